using ZeroOS.Linux;

namespace ZeroOS.Guest.Disks;

/// <summary>Copies a directory with everything in it: owners, modes, times, extended attributes, hard links, devices. Links are copied, never followed.</summary>
internal sealed class TreeCopy
{
    private readonly byte[] _buffer = new byte[128 * 1024];
    private readonly Dictionary<(ulong FileSystem, ulong Number), string> _seen = [];

    /// <summary>Makes <paramref name="to"/>, which exists and is empty, the same as <paramref name="from"/>.</summary>
    internal static void Copy(string from, string to) => new TreeCopy().CopyDirectory(from, to);

    private void CopyDirectory(string from, string to)
    {
        foreach (string source in Directory.EnumerateFileSystemEntries(from))
        {
            string target = Path.Combine(to, Path.GetFileName(source));
            if (FileNode.TryStatus(source) is { } status)
                CopyNode(source, target, status);
        }
        Finish(from, to, FileNode.TryStatus(from)!.Value);
    }

    private void CopyNode(string from, string to, NodeStatus status)
    {
        if (status.Kind == NodeKind.Directory)
        {
            Mounts.MakeDirectory(to);
            CopyDirectory(from, to);
            return;
        }
        if (status.Links > 1 && !_seen.TryAdd((status.FileSystem, status.Number), to))
        {
            FileNode.MakeHardLink(to, _seen[(status.FileSystem, status.Number)]);
            return;
        }
        switch (status.Kind)
        {
            case NodeKind.File:
                CopyBytes(from, to);
                break;
            case NodeKind.SymbolicLink:
                FileNode.MakeLink(to, FileNode.ReadLink(from));
                break;
            default:
                FileNode.Make(to, status.Kind, status.Mode, status.Device);
                break;
        }
        Finish(from, to, status);
    }

    private void CopyBytes(string from, string to)
    {
        using FileDescriptor source = FileDescriptor.Open(from, OpenFlags.ReadOnly | OpenFlags.NoFollow);
        using FileDescriptor target = FileDescriptor.Open(to, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Mode.OwnerOnly);
        while (source.Read(_buffer) is var n && n > 0)
            target.Write(_buffer.AsSpan(0, n));
    }

    // Owner before mode (chown clears set-uid bits), times last.
    private static void Finish(string from, string to, NodeStatus status)
    {
        FileNode.SetOwner(to, status.User, status.Group);
        if (status.Kind != NodeKind.SymbolicLink)
            FileNode.SetMode(to, status.Mode);
        FileNode.CopyAttributes(from, to);
    }
}
