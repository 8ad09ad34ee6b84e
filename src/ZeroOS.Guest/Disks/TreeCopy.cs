using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>
/// Copies a directory with everything in it: names of any bytes, owners, modes, times, extended attributes, hard links, devices, holes. Links are copied, never
/// followed.
/// </summary>
internal sealed class TreeCopy
{
    private readonly byte[] _buffer = new byte[128 * 1024];
    private readonly Dictionary<(ulong FileSystem, ulong Number), string> _seen = [];

    /// <summary>Makes <paramref name="to"/>, which exists and is empty, the same as <paramref name="from"/>.</summary>
    internal static void Copy(string from, string to) => new TreeCopy().CopyDirectory(from, to);

    private void CopyDirectory(string from, string to)
    {
        foreach (string name in FileEntry.Names(from))
        {
            if (FileEntry.TryStatus($"{from}/{name}") is { } status)
                CopyEntry($"{from}/{name}", $"{to}/{name}", status);
        }
        Finish(from, to, FileEntry.TryStatus(from)!.Value);
    }

    private void CopyEntry(string from, string to, EntryStatus status)
    {
        if (status.Kind == EntryKind.Directory)
        {
            Mounts.MakeDirectory(to);
            CopyDirectory(from, to);
            return;
        }
        if (status.Links > 1 && !_seen.TryAdd((status.FileSystem, status.Number), to))
        {
            FileEntry.MakeHardLink(to, _seen[(status.FileSystem, status.Number)]);
            return;
        }
        switch (status.Kind)
        {
            case EntryKind.File:
                CopyBytes(from, to);
                break;
            case EntryKind.SymbolicLink:
                FileEntry.MakeLink(to, FileEntry.ReadLink(from));
                break;
            default:
                FileEntry.Make(to, status.Kind, status.Mode, status.Device);
                break;
        }
        Finish(from, to, status);
    }

    private void CopyBytes(string from, string to)
    {
        using FileDescriptor source = FileDescriptor.Open(from, OpenFlags.ReadOnly | OpenFlags.NoFollow);
        using FileDescriptor target = FileDescriptor.Open(to, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly);
        long size = 0;
        for (int n; (n = source.Read(_buffer)) > 0; size += n)
        {
            // Zeros stay a hole: a file of an image may be far longer than what is in it.
            if (_buffer.AsSpan(0, n).ContainsAnyExcept((byte)0))
                target.WriteAt(_buffer.AsSpan(0, n), size);
        }
        target.SetLength(size);
    }

    // Owner before mode (chown clears set-uid bits), times last.
    private static void Finish(string from, string to, EntryStatus status)
    {
        FileEntry.SetOwner(to, status.User, status.Group);
        if (status.Kind != EntryKind.SymbolicLink)
            FileEntry.SetMode(to, status.Mode);
        FileEntry.CopyAttributes(from, to);
    }
}
