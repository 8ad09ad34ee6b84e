using ZeroOS.Formats.Erofs;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Build;

/// <summary>Puts layers on top of each other (OCI image-spec, layer.md, "Applying Changesets").</summary>
internal sealed class LayerMerge
{
    internal ImageInode Root { get; } = NewDirectory(0);

    /// <summary>Applies one layer to what is there.</summary>
    /// <exception cref="FlistBuildException">A hard link to nothing or to a directory.</exception>
    internal void Apply(Layer layer, int number)
    {
        // Hard links name the tree as it was: this layer's whiteouts may remove the name they were made from.
        var below = new Dictionary<LayerNode, ErofsInode>();
        foreach ((LayerNode node, string path) in layer.LinksBelow)
            below[node] = Find(new LayerView(null, Root), node.LinkBelow!) ?? Find(new LayerView(layer.Root, Root), node.LinkBelow!)
                ?? throw new FlistBuildException($"{TarPath.Printable(path)} is a hard link to {TarPath.Printable(node.LinkBelow!)}, which is not there");
        foreach ((LayerNode node, ErofsInode target) in below)
        {
            if (target.IsDirectory)
                throw new FlistBuildException($"a hard link to the directory {TarPath.Printable(node.LinkBelow!)}");
        }
        if (layer.Root.Inode is { } root)
            CopyAttributes(root, Root);
        Merge(Root, layer.Root, number, below);
    }

    private static void Merge(ErofsInode directory, LayerNode layer, int number, Dictionary<LayerNode, ErofsInode> below)
    {
        if (layer.Opaque)
            directory.Entries.Clear();
        foreach (string gone in layer.Whiteouts)
            directory.Entries.Remove(gone);
        foreach ((string name, LayerNode node) in layer.Children)
        {
            if (!node.IsDirectory)
            {
                directory.Entries[name] = node.Inode ?? below[node];
                continue;
            }
            ErofsInode? existing = directory.Entries.GetValueOrDefault(name);
            if (existing is not { IsDirectory: true })
            {
                // Only marks that something here is gone: there is nothing to take it from.
                if (!node.HasEntries)
                    continue;
                // A directory that the layer needs hides a file or a link below it, whether the layer has an entry for it or not: Docker and containerd
                // unpack each layer apart and show them by overlayfs.
                existing = node.Inode ?? NewDirectory(number);
                directory.Entries[name] = existing;
            }
            else if (node.Inode is not null)
                CopyAttributes(node.Inode, existing);
            Merge(existing, node, number, below);
        }
    }

    /// <summary>What a hard link names: links on the way are followed inside the image, one at the end is shared as it is.</summary>
    private static ErofsInode? Find(LayerView view, string path)
    {
        int slash = path.LastIndexOf('/');
        var walk = new PathWalk<LayerView>(view, (here, name) => here.Child(name), here => here.LinkTarget);
        return walk.To(slash < 0 ? "" : path[..slash])?.Child(path[(slash + 1)..])?.Inode;
    }

    private static ImageInode NewDirectory(int layer) => new() { Layer = layer, Mode = ErofsFileType.Directory | 0x1ED }; // 0755

    private static void CopyAttributes(ErofsInode from, ErofsInode to)
    {
        to.Mode = from.Mode;
        to.Uid = from.Uid;
        to.Gid = from.Gid;
        to.MtimeSeconds = from.MtimeSeconds;
        to.MtimeNanoseconds = from.MtimeNanoseconds;
        to.Xattrs = from.Xattrs;
    }
}
