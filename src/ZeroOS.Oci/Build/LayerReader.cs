using ZeroOS.Formats.Tar;
using ZeroOS.Linux;
using ZeroOS.Oci.Layout;

namespace ZeroOS.Oci.Build;

/// <summary>Reads the layers of one image into trees, their file contents into the spool, inside the limits.</summary>
internal sealed class LayerReader(Spool spool, BuildLimits limits, IProgress<BuildProgress>? progress, long totalBytes)
{
    private readonly byte[] _buffer = new byte[256 * 1024];
    private int _entries;
    private long _nameBytes;
    private long _fileBytes;
    private long _readBytes;

    internal Layer Read(LayerSource source, int number)
    {
        var layer = new Layer(number);
        try
        {
            if (source.Directory is { } path)
                ReadDirectory(path, layer);
            else
                ReadArchive(source, layer);
        }
        catch (Exception e) when (e is FlistBuildException or TarException or InvalidDataException)
        {
            throw new FlistBuildException($"layer {number + 1} ({source.Name}): {e.Message}", e);
        }
        return layer;
    }

    private void ReadArchive(LayerSource source, Layer layer)
    {
        using LayerStream stream = source.OpenArchive(limits.MaxLayerBytes);
        using var buffered = new BufferedStream(stream, 128 * 1024);
        try
        {
            ReadEntries(buffered, stream, source.HasWhiteouts, layer);
        }
        catch (Exception e) when (e is FlistBuildException or TarException or InvalidDataException)
        {
            // Bytes that were changed on their way look like anything: that they are not the layer's is the truth about them.
            stream.CheckStored();
            throw;
        }
        stream.CheckDigests();
        _readBytes += stream.StoredBytesRead;
    }

    private void ReadEntries(BufferedStream buffered, LayerStream stream, bool whiteouts, Layer layer)
    {
        var tar = new TarReader(buffered);
        while (tar.Next() is { } entry)
        {
            ImageInode? file = Admit(layer, entry, whiteouts);
            progress?.Report(new BuildProgress(BuildPhase.Reading, _readBytes + stream.StoredBytesRead, totalBytes));
            if (file is null)
                continue;
            long start = spool.Reserve(file.Size);
            file.SetContent(spool, start);
            for (int n; (n = tar.Read(_buffer, out long offset)) > 0;)
                spool.Write(start + offset, _buffer.AsSpan(0, n));
        }
        while (buffered.Read(_buffer) > 0)
        {
            // Padding after the last entry counts for the digests.
        }
    }

    private ImageInode? Admit(Layer layer, TarEntry entry, bool whiteouts)
    {
        if (++_entries > limits.MaxEntries)
            throw new FlistBuildException($"the image has more than {limits.MaxEntries} entries");
        if (entry.Size > limits.MaxFileBytes - _fileBytes)
            throw new FlistBuildException($"the files of the image are over {limits.MaxFileBytes} bytes");
        _fileBytes += entry.Size;
        _nameBytes += entry.Path.Length + entry.LinkTarget.Length;
        foreach ((string name, byte[] value) in entry.Xattrs)
            _nameBytes += name.Length + value.Length;
        if (_nameBytes > limits.MaxNameBytes)
            throw new FlistBuildException($"the names and attributes of the image are over {limits.MaxNameBytes} bytes");
        int implied = layer.ImpliedDirectories;
        ImageInode? file = layer.Add(entry, whiteouts);
        _entries += layer.ImpliedDirectories - implied;
        return file;
    }

    private void ReadDirectory(string path, Layer layer)
    {
        using OpenDirectory root = OpenDirectory.Open(path);
        FileStatus status = root.Status("");
        Admit(layer, Entry(root, "", "", status, TarEntryType.Directory), whiteouts: false);
        var names = new Dictionary<ulong, string>();
        ReadChildren(root, "", status.FileSystem, layer, names);
    }

    private void ReadChildren(OpenDirectory directory, string path, ulong fileSystem, Layer layer, Dictionary<ulong, string> hardLinks)
    {
        const int S_IFMT = 0xF000, S_IFSOCK = 0xC000;
        foreach (string name in directory.Names())
        {
            string childPath = path.Length == 0 ? name : path + "/" + name;
            FileStatus status = directory.Status(name);
            if ((status.Mode & S_IFMT) == S_IFSOCK)
                continue; // a socket means nothing without the process that made it
            TarEntryType type = TypeOf(status.Mode);
            bool known = false;
            if (type != TarEntryType.Directory && status.Links > 1)
                known = !hardLinks.TryAdd(status.Inode, childPath);
            if (known)
            {
                Admit(layer, new TarEntry { Type = TarEntryType.HardLink, Path = TarPath.Normalise(childPath), LinkTarget = hardLinks[status.Inode] }, false);
                continue;
            }
            ImageInode? file = Admit(layer, Entry(directory, name, childPath, status, type), whiteouts: false);
            if (file is not null)
                Copy(directory, name, childPath, file);
            // What is mounted inside belongs to the computer, not to the image.
            else if (type == TarEntryType.Directory && status.FileSystem == fileSystem)
            {
                using OpenDirectory child = directory.OpenChild(name);
                ReadChildren(child, childPath, fileSystem, layer, hardLinks);
            }
        }
    }

    private void Copy(OpenDirectory directory, string name, string path, ImageInode file)
    {
        using FileDescriptor source = directory.OpenFile(name);
        long start = spool.Reserve(file.Size);
        file.SetContent(spool, start);
        long done = 0;
        for (int n; done < file.Size && (n = source.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, file.Size - done)))) > 0; done += n)
            spool.Write(start + done, _buffer.AsSpan(0, n));
        if (done != file.Size)
            throw new FlistBuildException($"{TarPath.Printable(path)} became shorter while it was read");
        _readBytes += done;
        progress?.Report(new BuildProgress(BuildPhase.Reading, _readBytes, 0));
    }

    private static TarEntry Entry(OpenDirectory directory, string name, string path, FileStatus status, TarEntryType type) => new()
    {
        Type = type,
        Path = TarPath.Normalise(path),
        LinkTarget = type == TarEntryType.SymbolicLink ? directory.ReadLink(name) : "",
        Mode = status.Mode & 0xFFF,
        Uid = status.Uid,
        Gid = status.Gid,
        MtimeSeconds = status.MtimeSeconds,
        MtimeNanoseconds = status.MtimeNanoseconds,
        DeviceMajor = status.Device.Major,
        DeviceMinor = status.Device.Minor,
        Size = type == TarEntryType.File ? status.Size : 0,
        Xattrs = directory.Xattrs(name),
    };

    private static TarEntryType TypeOf(ushort mode) => (mode & 0xF000) switch
    {
        0x1000 => TarEntryType.Fifo,
        0x2000 => TarEntryType.CharacterDevice,
        0x4000 => TarEntryType.Directory,
        0x6000 => TarEntryType.BlockDevice,
        0xA000 => TarEntryType.SymbolicLink,
        _ => TarEntryType.File,
    };
}
