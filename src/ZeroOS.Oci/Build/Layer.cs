using ZeroOS.Formats.Erofs;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Build;

/// <summary>
/// One layer as a tree of its own, before it meets the others (OCI image-spec, layer.md). Read apart, its whiteouts can only reach the layers
/// below, in whatever order the archive has them, and its small files make the same packs under any other layer. An entry that lies behind a
/// link of its own layer goes where the link leads inside the image, as when Docker unpacks the layer; links of the layers below are not known here.
/// </summary>
internal sealed class Layer
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueMarker = ".wh..wh..opq";
    private const string AufsPrefix = ".wh..wh.";

    private readonly int _number;
    private readonly LayerNode _marks = new();
    private readonly PathWalk<LayerNode> _toEntry, _toMark, _toMarked, _toTarget, _toMarkedTarget;

    internal Layer(int number)
    {
        _number = number;
        _toEntry = new PathWalk<LayerNode>(Root, Enter, node => node.LinkTarget);
        // Whoever writes whiteouts compares trees and names real directories: a link on the way means that a directory was replaced by it.
        _toMark = new PathWalk<LayerNode>(Root, EnterDirectory, _ => null);
        _toMarked = new PathWalk<LayerNode>(_marks, Enter, _ => null);
        _toTarget = new PathWalk<LayerNode>(Root, Child, node => node.LinkTarget);
        _toMarkedTarget = new PathWalk<LayerNode>(_marks, Child, _ => null);
    }

    internal LayerNode Root { get; } = new() { HasEntries = true };

    /// <summary>Hard links whose target was not in this layer when they came.</summary>
    internal List<(LayerNode Node, string Path)> LinksBelow { get; } = [];

    internal int IgnoredXattrs { get; private set; }

    /// <summary>Directories that no entry of their own made: an entry may name two thousand of them.</summary>
    internal int ImpliedDirectories { get; private set; }

    /// <summary>Adds an entry; returns the inode whose contents follow, or null when it has none.</summary>
    /// <exception cref="FlistBuildException">The entry contradicts the tree.</exception>
    internal ImageInode? Add(TarEntry entry, bool whiteouts)
    {
        int slash = entry.Path.LastIndexOf('/');
        string name = entry.Path[(slash + 1)..], directory = slash < 0 ? "" : entry.Path[..slash];
        if (name.Length == 0)
        {
            if (entry.Type != TarEntryType.Directory)
                throw new FlistBuildException("the root of the image is not a directory");
            Root.Inode = Inode(entry);
            return null;
        }
        bool belowMark = whiteouts && IsBelowMark(directory);
        if (whiteouts && !belowMark && name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            // umoci writes whiteouts for the children of a directory that became a file: the file hides them already.
            if (_toMark.To(directory) is { } marked)
                AddWhiteout(marked, name, entry.Path);
            return null;
        }
        LayerNode parent = (belowMark ? _toMarked : _toEntry).To(directory)!;
        if (entry.Type == TarEntryType.HardLink)
        {
            AddHardLink(parent, name, entry, belowMark);
            return null;
        }
        ImageInode inode = Inode(entry);
        if (parent.Children.TryGetValue(name, out LayerNode? existing) && existing.IsDirectory && inode.IsDirectory)
        {
            existing.Inode = inode;
            existing.HasEntries = true;
        }
        else
            parent.Children[name] = new LayerNode { Inode = inode, HasEntries = true };
        return inode.IsRegular ? inode : null;
    }

    /// <summary>
    /// AUFS kept files of its own below `.wh..wh.plnk` and the like. No name of an image begins with `.wh.`, so they stay apart; hard links may name them.
    /// </summary>
    private static bool IsBelowMark(string directory) =>
        directory.StartsWith(WhiteoutPrefix, StringComparison.Ordinal) || directory.Contains("/" + WhiteoutPrefix, StringComparison.Ordinal);

    private static void AddWhiteout(LayerNode parent, string name, string path)
    {
        if (name == OpaqueMarker)
            parent.Opaque = true;
        else if (name == WhiteoutPrefix)
            throw new FlistBuildException($"{TarPath.Printable(path)} is a whiteout of nothing");
        else if (!name.StartsWith(AufsPrefix, StringComparison.Ordinal)) // AUFS's own bookkeeping is no file
            parent.Whiteouts.Add(name[WhiteoutPrefix.Length..]);
    }

    private void AddHardLink(LayerNode parent, string name, TarEntry entry, bool belowMark)
    {
        LayerNode? target = Find(entry.LinkTarget);
        LayerNode node;
        if (target is { Inode: not null } or { LinkBelow: not null })
        {
            if (target.IsDirectory)
                throw new FlistBuildException($"{TarPath.Printable(entry.Path)} is a hard link to a directory");
            if (parent.Children.GetValueOrDefault(name) == target)
                return;
            node = new LayerNode { Inode = target.Inode, LinkBelow = target.LinkBelow, HasEntries = true };
        }
        else
            node = new LayerNode { LinkBelow = entry.LinkTarget, HasEntries = true };
        if (node.Inode is null && !belowMark)
            LinksBelow.Add((node, entry.Path));
        parent.Children[name] = node;
    }

    /// <summary>What this layer has at a path: links of its own on the way are followed, one at the end is not.</summary>
    internal LayerNode? Find(string path)
    {
        int slash = path.LastIndexOf('/');
        string name = path[(slash + 1)..], directory = slash < 0 ? "" : path[..slash];
        return _toTarget.To(directory)?.Children.GetValueOrDefault(name) ?? _toMarkedTarget.To(directory)?.Children.GetValueOrDefault(name);
    }

    private static LayerNode? Child(LayerNode node, string name) => node.Children.GetValueOrDefault(name);

    /// <summary>
    /// The next directory on the way to an entry. It is made where there is none; what is no directory gives way, as the last of two entries counts.
    /// </summary>
    private LayerNode Enter(LayerNode node, string name)
    {
        if (!node.Children.TryGetValue(name, out LayerNode? child) || (!child.IsDirectory && child.LinkTarget is null))
        {
            node.Children[name] = child = new LayerNode();
            ImpliedDirectories++;
        }
        child.HasEntries = true;
        return child;
    }

    private LayerNode? EnterDirectory(LayerNode node, string name)
    {
        if (node.Children.TryGetValue(name, out LayerNode? child))
            return child.IsDirectory ? child : null;
        ImpliedDirectories++;
        return node.Children[name] = new LayerNode();
    }

    private ImageInode Inode(TarEntry entry) => new()
    {
        Layer = _number,
        // Linux has no mode for a link: whatever an archive says, lstat(2) shows 0777 when it was unpacked.
        Mode = (ushort)((entry.Type == TarEntryType.SymbolicLink ? 0x1FF : entry.Mode) | entry.Type switch
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
