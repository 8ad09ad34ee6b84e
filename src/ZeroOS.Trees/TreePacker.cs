using ZeroOS.Formats.Tar;
using ZeroOS.Linux;

namespace ZeroOS.Trees;

/// <summary>
/// Writes a file or a tree as an archive while others may change it: what is not as it was is left out, or padded, with a sentence. Links are archived, never
/// followed. Devices and sockets are left out. One descriptor of the tree is open at a time, besides its root's. For one tree.
/// </summary>
/// <param name="tar">Where to; its end is the caller's.</param>
/// <param name="watcher">Hears of what is left out.</param>
public sealed class TreePacker(TarWriter tar, ITreeWatcher watcher)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly TreeNotes _notes = new(watcher);
    private readonly Dictionary<(ulong FileSystem, ulong Inode), string> _linked = [];
    private readonly Stack<string> _waiting = [];
    private string _rootName = "";

    internal TreeBudget Budget { get; init; } = new();

    /// <summary>Called between an entry's look at its name and what is done with it; tests change the tree there.</summary>
    internal Action<string>? Looked { get; init; }

    /// <summary>
    /// Packs what <paramref name="name"/> is in <paramref name="directory"/>, or the directory itself when that is empty, under the name
    /// <paramref name="asName"/>; when that is empty, only what is in it has names.
    /// </summary>
    /// <exception cref="LinuxException">It is not there, or cannot be read.</exception>
    /// <exception cref="TreeException">It is more than one copy may hold, or nothing that can be copied.</exception>
    public void Pack(OpenDirectory directory, string name, string asName)
    {
        _rootName = asName;
        FileStatus status = directory.Status(name);
        if (status.Kind != EntryKind.Directory)
        {
            if (!PackEntry(directory, name, asName, status))
                throw new TreeException($"{TarPath.Printable(name)} is no file, directory, link or pipe");
        }
        else if (name.Length == 0)
        {
            PackTree(directory);
        }
        else
        {
            using OpenDirectory root = directory.OpenChild(name);
            PackTree(root);
        }
        _notes.End();
    }

    private void PackTree(OpenDirectory root)
    {
        _waiting.Push("");
        while (_waiting.TryPop(out string? path))
        {
            if (path.Length > 0)
                Budget.GiveBack(OpenDirectory.MemoryOf(path));
            using OpenDirectory? directory = root.TryOpenBeneath(path, out Errno errno);
            if (directory is null)
                LeaveOut(InTar(path), $"it cannot be opened any more ({errno})");
            else
                PackDirectory(directory, path);
        }
    }

    private void PackDirectory(OpenDirectory directory, string path)
    {
        string inTar = InTar(path);
        FileStatus status = directory.Status("");
        Begin(inTar, status, TarEntryType.Directory);
        if (directory.TryNames(Budget.Left, out long bytes) is not { } names)
            throw new TreeException($"{TarPath.Printable(inTar)} has more names than one copy has memory for", isLimit: true);
        Budget.Take(bytes, inTar);
        List<string> directories = [];
        foreach (string name in names)
        {
            string childInTar = inTar.Length == 0 ? name : $"{inTar}/{name}";
            if (directory.TryStatus(name, out FileStatus child) is var errno && errno != Errno.None)
                LeaveOut(childInTar, $"it is not there any more ({errno})");
            else if (child.Kind != EntryKind.Directory)
                _ = PackEntry(directory, name, childInTar, child);
            else
                directories.Add(path.Length == 0 ? name : $"{path}/{name}");
        }
        // Popped in the order of their names.
        for (int i = directories.Count - 1; i >= 0; i--)
            Wait(directories[i]);
        Budget.GiveBack(bytes);
    }

    private void Wait(string path)
    {
        if (path.Length + _rootName.Length >= TarPath.MaxPathBytes)
            throw new TreeException($"a path of more than {TarPath.MaxPathBytes} bytes: {TarPath.Printable(path)}", isLimit: true);
        Budget.Take(OpenDirectory.MemoryOf(path), path);
        _waiting.Push(path);
    }

    private bool PackEntry(OpenDirectory directory, string name, string inTar, FileStatus status)
    {
        if (inTar.Length > TarPath.MaxPathBytes)
            throw new TreeException($"a path of more than {TarPath.MaxPathBytes} bytes: {TarPath.Printable(inTar)}", isLimit: true);
        Looked?.Invoke(name);
        switch (status.Kind)
        {
            case EntryKind.File when status.Links > 1 && _linked.TryGetValue((status.FileSystem, status.Inode), out string? first):
                Begin(inTar, status, TarEntryType.HardLink, first);
                return true;
            case EntryKind.File:
                PackFile(directory, name, inTar);
                return true;
            case EntryKind.SymbolicLink:
                PackLink(directory, name, inTar, status);
                return true;
            case EntryKind.Pipe:
                Begin(inTar, status, TarEntryType.Fifo);
                return true;
            default:
                LeaveOut(inTar, $"it is a {(status.Kind == EntryKind.Socket ? "socket" : "device")}");
                return false;
        }
    }

    private void PackLink(OpenDirectory directory, string name, string inTar, FileStatus status)
    {
        try
        {
            Begin(inTar, status, TarEntryType.SymbolicLink, directory.ReadLink(name));
        }
        catch (LinuxException e)
        {
            LeaveOut(inTar, $"it is no link any more ({e.Errno})");
        }
    }

    private void PackFile(OpenDirectory directory, string name, string inTar)
    {
        using FileDescriptor? file = directory.TryOpenRegular(name, out FileStatus status);
        if (file is null)
        {
            LeaveOut(inTar, "it cannot be opened, or is no file any more");
            return;
        }
        if (status.Links > 1 && OpenDirectory.MemoryOf(inTar) <= Budget.Left)
        {
            Budget.Take(OpenDirectory.MemoryOf(inTar), inTar);
            _linked[(status.FileSystem, status.Inode)] = inTar;
        }
        Begin(inTar, status, TarEntryType.File);
        long left = status.Size;
        while (left > 0 && file.TryRead(_buffer.AsSpan(0, (int)Math.Min(left, _buffer.Length)), out int count) == Errno.None && count > 0)
        {
            tar.Write(_buffer.AsSpan(0, count));
            watcher.Moved(count);
            left -= count;
        }
        if (left > 0)
            PadFile(inTar, left);
        else if (file.Status.Size > status.Size)
            _notes.Add($"{TarPath.Printable(inTar)} became longer while it was read: it is cut at {status.Size} bytes");
    }

    private void PadFile(string inTar, long missing)
    {
        _notes.Add($"{TarPath.Printable(inTar)} became shorter while it was read, or cannot be read: its last {missing} bytes are zeros");
        _buffer.AsSpan().Clear();
        for (; missing > 0; missing -= Math.Min(missing, _buffer.Length))
        {
            int count = (int)Math.Min(missing, _buffer.Length);
            tar.Write(_buffer.AsSpan(0, count));
            watcher.Moved(count);
        }
    }

    private void Begin(string path, FileStatus status, TarEntryType type, string link = "")
    {
        Budget.Count(path);
        watcher.Moved(0);
        tar.Begin(new TarEntry
        {
            Type = type,
            Path = path,
            LinkTarget = link,
            Mode = status.Mode & 0xFFF,
            Uid = status.Uid,
            Gid = status.Gid,
            MtimeSeconds = status.MtimeSeconds,
            Size = type == TarEntryType.File ? status.Size : 0,
        });
    }

    private string InTar(string path) => _rootName.Length == 0 ? path : path.Length == 0 ? _rootName : $"{_rootName}/{path}";

    private void LeaveOut(string path, string why) => _notes.Add($"left out {TarPath.Printable(path)}: {why}");
}
