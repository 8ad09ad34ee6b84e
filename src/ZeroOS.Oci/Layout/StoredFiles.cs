using ZeroOS.Formats.Streams;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Layout;

/// <summary>
/// The files of an image as somebody stored them: in a directory, or in a tar whose entries are read in place. A compressed tar is unpacked for that first.
/// </summary>
internal sealed class StoredFiles
{
    private const int MaxFiles = 100_000;
    private const int MaxLinks = 8;
    private const long MaxPlainBytes = 128L << 30;

    private readonly string _path;
    private readonly Dictionary<string, (long Offset, long Size)>? _entries;
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);

    /// <param name="path">A directory, or a tar archive: plain, or compressed with gzip or zstd (`docker save IMAGE | gzip`).</param>
    /// <param name="scratch">Gives a directory for the plain archive; whoever owns the directory removes it.</param>
    /// <exception cref="FlistBuildException">The path is neither a directory nor a tar archive.</exception>
    internal StoredFiles(string path, Func<string> scratch)
    {
        _path = path;
        if (Directory.Exists(path))
            return;
        _entries = new(StringComparer.Ordinal);
        _path = Plain(path, scratch);
        using FileStream file = File.OpenRead(_path);
        try
        {
            List(new TarReader(file), file);
        }
        catch (TarException e)
        {
            throw new FlistBuildException($"{path}: {e.Message}", e);
        }
    }

    private static string Plain(string path, Func<string> scratch)
    {
        using FileStream stored = File.OpenRead(path);
        Span<byte> magic = stackalloc byte[4];
        LayerCompression compression = LayerStream.CompressionOf(magic[..stored.ReadAtLeast(magic, 4, throwOnEndOfStream: false)]);
        if (compression == LayerCompression.None)
            return path;
        stored.Position = 0;
        string name = LayerStream.NameOf(compression), plainPath = Path.Combine(scratch(), "archive.tar");
        using Stream? plain = LayerStream.Decompress(stored, compression);
        if (plain is null)
            throw new FlistBuildException($"{path} is compressed with {name}; only gzip and zstd are read: decompress it first ({name} -dk)");
        using FileStream file = new(plainPath, FileMode.CreateNew, FileAccess.Write);
        try
        {
            var buffer = new byte[128 * 1024];
            for (int n; (n = plain.Read(buffer)) > 0;)
            {
                file.Write(buffer, 0, n);
                if (file.Position > MaxPlainBytes)
                    throw new FlistBuildException($"{path} unpacks to more than {MaxPlainBytes} bytes");
            }
        }
        catch (InvalidDataException e)
        {
            throw new FlistBuildException($"{path}: its {name} data is damaged", e);
        }
        return plainPath;
    }

    internal bool Has(string name) => _entries is null ? File.Exists(Path.Combine(_path, name)) : _entries.ContainsKey(Resolve(name));

    /// <summary>
    /// Opens a file for reading and seeking; <paramref name="name"/> is made of names without `..` by the caller or looked up in the archive.
    /// </summary>
    /// <exception cref="FlistBuildException">It is not there.</exception>
    internal Stream Open(string name)
    {
        if (_entries is null)
        {
            string path = Path.Combine(_path, name);
            return File.Exists(path) ? File.OpenRead(path) : throw new FlistBuildException($"{_path} has no {name}");
        }
        if (!_entries.TryGetValue(Resolve(name), out (long Offset, long Size) entry))
            throw new FlistBuildException($"{_path} has no {TarPath.Printable(name)}");
        return new SubStream(File.OpenRead(_path), entry.Offset, entry.Size);
    }

    /// <summary>A small document as a whole.</summary>
    internal byte[] ReadAll(string name)
    {
        using Stream stream = Open(name);
        if (stream.Length > OciJson.MaxBytes)
            throw new FlistBuildException($"{TarPath.Printable(name)} has {stream.Length} bytes, the limit is {OciJson.MaxBytes}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private void List(TarReader tar, FileStream file)
    {
        while (tar.Next() is { } entry)
        {
            if (_entries!.Count + _links.Count >= MaxFiles)
                throw new FlistBuildException($"{_path} holds more than {MaxFiles} files");
            // The reader takes headers whole and nothing more, so the stream stands at the entry's first byte.
            if (entry.Type == TarEntryType.File)
                _entries[entry.Path] = (file.Position, entry.Size);
            else if (entry.Type == TarEntryType.HardLink)
                _links[entry.Path] = entry.LinkTarget;
            else if (entry.Type == TarEntryType.SymbolicLink)
                _links[entry.Path] = Relative(entry.Path, entry.LinkTarget);
        }
    }

    private static string Relative(string link, string target)
    {
        List<string> parts = [.. link.Split('/')[..^1]];
        foreach (string part in target.Split('/'))
        {
            if (part == "..")
            {
                if (parts.Count > 0)
                    parts.RemoveAt(parts.Count - 1);
            }
            else if (part.Length > 0 && part != ".")
                parts.Add(part);
        }
        return string.Join('/', parts);
    }

    private string Resolve(string name)
    {
        for (int i = 0; i < MaxLinks && !_entries!.ContainsKey(name) && _links.TryGetValue(name, out string? target); i++)
            name = target;
        return name;
    }
}
