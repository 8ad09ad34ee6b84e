using ZeroOS.Formats.Erofs;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Build;

/// <summary>Puts layers on top of each other (OCI image-spec, layer.md, "Applying Changesets").</summary>
internal sealed class LayerMerge
{
    internal ImageInode Root { get; } = NewDirectory(0);

    /// <summary>Applies one layer to what is there.</summary>
    /// <exception cref="FlistBuildException">A hard link to nothing, or an entry under something that is not a directory.</exception>
    internal void Apply(Layer layer, int number)
    {
        // Hard links name the tree as it was: this layer's whiteouts may remove the name they were made from.
        var below = new Dictionary<LayerNode, ErofsInode>();
        foreach ((LayerNode node, string path) in layer.LinksBelow)
            below[node] = Find(node.LinkBelow!) ?? layer.Find(node.LinkBelow!)?.Inode
                ?? throw new FlistBuildException($"{TarPath.Printable(path)} is a hard link to {TarPath.Printable(node.LinkBelow!)}, which is not there");
        foreach ((LayerNode node, ErofsInode target) in below)
        {
            if (target.IsDirectory)
                throw new FlistBuildException($"a hard link to the directory {TarPath.Printable(node.LinkBelow!)}");
        }
        if (layer.Root.Inode is { } root)
            CopyAttributes(root, Root);
        Merge(Root, layer.Root, "", number, below);
    }

    private static void Merge(ErofsInode directory, LayerNode layer, string path, int number, Dictionary<LayerNode, ErofsInode> below)
    {
        if (layer.Opaque)
            directory.Entries.Clear();
        foreach (string gone in layer.Whiteouts)
            directory.Entries.Remove(gone);
        foreach ((string name, LayerNode node) in layer.Children)
        {
            string childPath = path.Length == 0 ? name : path + "/" + name;
            ErofsInode? existing = directory.Entries.GetValueOrDefault(name);
            if (!node.IsDirectory)
            {
                directory.Entries[name] = node.Inode ?? below[node];
                continue;
            }
            if (node.Inode is null && existing is { IsDirectory: false })
            {
                // Only a mark that something here is gone: there is nothing to take it from.
                if (node.Children.Count == 0)
                    continue;
                throw Layer.NotADirectory(childPath + "/" + node.Children.Keys.Min(StringComparer.Ordinal), childPath, existing);
            }
            if (existing is { IsDirectory: true })
            {
                if (node.Inode is not null)
                    CopyAttributes(node.Inode, existing);
            }
            else
            {
                if (node.Inode is null && node.Children.Count == 0)
                    continue;
                existing = node.Inode ?? NewDirectory(number);
                directory.Entries[name] = existing;
            }
            Merge(existing, node, childPath, number, below);
        }
    }

    private ErofsInode? Find(string path)
    {
        ErofsInode? inode = Root;
        foreach (string name in path.Split('/'))
            inode = inode?.Entries.GetValueOrDefault(name);
        return inode;
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
