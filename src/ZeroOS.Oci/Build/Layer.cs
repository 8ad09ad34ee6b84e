using ZeroOS.Formats.Erofs;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Build;

/// <summary>
/// One layer as a tree of its own, before it meets the others (OCI image-spec, layer.md). Read apart, its whiteouts can only reach the layers
/// below, in whatever order the archive has them, and its small files make the same packs under any other layer. No link of the image is
/// followed: an entry behind one is refused.
/// </summary>
internal sealed class Layer(int number)
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueMarker = ".wh..wh..opq";
    private const string AufsPrefix = ".wh..wh.";

    internal LayerNode Root { get; } = new();

    /// <summary>Hard links whose target was not in this layer when they came.</summary>
    internal List<(LayerNode Node, string Path)> LinksBelow { get; } = [];

    internal int IgnoredXattrs { get; private set; }

    /// <summary>Adds an entry; returns the inode whose contents follow, or null when it has none.</summary>
    /// <exception cref="FlistBuildException">The entry contradicts the tree.</exception>
    internal ImageInode? Add(TarEntry entry, bool whiteouts)
    {
        int slash = entry.Path.LastIndexOf('/');
        string name = entry.Path[(slash + 1)..];
        if (name.Length == 0)
        {
            if (entry.Type != TarEntryType.Directory)
                throw new FlistBuildException("the root of the image is not a directory");
            Root.Inode = Inode(entry);
            return null;
        }
        if (whiteouts && name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            // umoci writes whiteouts for the children of a directory that became a file: the file hides them already.
            if (TryParent(entry.Path, slash, out _) is { } marked)
                AddWhiteout(marked, name, entry.Path);
            return null;
        }
        LayerNode parent = TryParent(entry.Path, slash, out (string Path, ErofsInode? Inode) obstacle)
            ?? throw NotADirectory(entry.Path, obstacle.Path, obstacle.Inode);
        if (entry.Type == TarEntryType.HardLink)
        {
            AddHardLink(parent, name, entry);
            return null;
        }
        ImageInode inode = Inode(entry);
        if (parent.Children.TryGetValue(name, out LayerNode? existing) && existing.IsDirectory && inode.IsDirectory)
            existing.Inode = inode;
        else
            parent.Children[name] = new LayerNode { Inode = inode };
        return inode.IsRegular ? inode : null;
    }

    private static void AddWhiteout(LayerNode parent, string name, string path)
    {
        if (name == OpaqueMarker)
            parent.Opaque = true;
        else if (name == WhiteoutPrefix)
            throw new FlistBuildException($"{TarPath.Printable(path)} is a whiteout of nothing");
        else if (!name.StartsWith(AufsPrefix, StringComparison.Ordinal)) // AUFS's own bookkeeping is no file
            parent.Whiteouts.Add(name[WhiteoutPrefix.Length..]);
    }

    private void AddHardLink(LayerNode parent, string name, TarEntry entry)
    {
        LayerNode? target = Find(entry.LinkTarget);
        LayerNode node;
        if (target is { Inode: not null } or { LinkBelow: not null })
        {
            if (target.IsDirectory)
                throw new FlistBuildException($"{TarPath.Printable(entry.Path)} is a hard link to a directory");
            if (parent.Children.GetValueOrDefault(name) == target)
                return;
            node = new LayerNode { Inode = target.Inode, LinkBelow = target.LinkBelow };
        }
        else
            node = new LayerNode { LinkBelow = entry.LinkTarget };
        if (node.Inode is null)
            LinksBelow.Add((node, entry.Path));
        parent.Children[name] = node;
    }

    /// <summary>What this layer has at a path, links not followed.</summary>
    internal LayerNode? Find(string path)
    {
        LayerNode? node = Root;
        foreach (string name in path.Split('/'))
            node = node?.Children.GetValueOrDefault(name);
        return node;
    }

    private LayerNode? TryParent(string path, int slash, out (string Path, ErofsInode? Inode) obstacle)
    {
        obstacle = default;
        LayerNode node = Root;
        for (int start = 0; start <= slash;)
        {
            int end = path.IndexOf('/', start);
            string name = path[start..end];
            if (!node.Children.TryGetValue(name, out LayerNode? child))
                node.Children[name] = child = new LayerNode();
            else if (!child.IsDirectory)
            {
                obstacle = (path[..end], child.Inode);
                return null;
            }
            node = child;
            start = end + 1;
        }
        return node;
    }

    internal static FlistBuildException NotADirectory(string path, string parent, ErofsInode? inode) => new(
        $"{TarPath.Printable(path)} lies under {TarPath.Printable(parent)}, which is "
        + (inode is { IsSymbolicLink: true } ? $"a symbolic link (to {TarPath.Printable(inode.LinkTarget)}); links of an image are not followed" : "not a directory"));

    private ImageInode Inode(TarEntry entry) => new()
    {
        Layer = number,
        Mode = (ushort)(entry.Mode | entry.Type switch
        {
            TarEntryType.File => ErofsFileType.Regular,
            TarEntryType.SymbolicLink => ErofsFileType.SymbolicLink,
            TarEntryType.CharacterDevice => ErofsFileType.CharacterDevice,
            TarEntryType.BlockDevice => ErofsFileType.BlockDevice,
            TarEntryType.Directory => ErofsFileType.Directory,
            TarEntryType.Fifo => ErofsFileType.Fifo,
            _ => throw new FlistBuildException($"{TarPath.Printable(entry.Path)} is of an unknown type"),
        }),
        Uid = entry.Uid,
        Gid = entry.Gid,
        MtimeSeconds = entry.MtimeSeconds,
        MtimeNanoseconds = entry.MtimeNanoseconds,
        DeviceMajor = entry.DeviceMajor,
        DeviceMinor = entry.DeviceMinor,
        Size = entry.Size,
        LinkTarget = entry.Type == TarEntryType.SymbolicLink ? entry.LinkTarget : "",
        Xattrs = Encode(entry),
    };

    private ErofsXattrs Encode(TarEntry entry)
    {
        if (entry.Xattrs.Count == 0)
            return ErofsXattrs.None;
        // An overlay's own marks would speak to the guest's overlay, which has this file system as its lower layer.
        KeyValuePair<string, byte[]>[] kept =
            [.. entry.Xattrs.Where(x => ErofsXattrs.CanHold(x.Key) && !x.Key.StartsWith("trusted.overlay.", StringComparison.Ordinal))];
        IgnoredXattrs += entry.Xattrs.Count - kept.Length;
        try
        {
            return ErofsXattrs.Encode(kept);
        }
        catch (ErofsException refused)
        {
            throw new FlistBuildException($"{TarPath.Printable(entry.Path)}: {refused.Message}", refused);
        }
    }
}
