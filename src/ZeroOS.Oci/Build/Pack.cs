using ZeroOS.Flist;

namespace ZeroOS.Oci.Build;

/// <summary>
/// Small files of one layer that travel as one chunk of at most 1 MiB, in path order. They are chosen before layers are merged and from all the
/// layer's files, so the same layer makes the same packs in every image.
/// </summary>
internal sealed class Pack
{
    /// <summary>Files from this size on have chunks of their own.</summary>
    internal const int LargeFileBytes = 64 * 1024;

    private const int MaxBlocks = (1 << 20) / FlistFormat.BlockSize;

    internal List<ImageInode> Files { get; } = [];

    internal int Blocks { get; private set; }

    internal uint FirstBlock { get; set; }

    internal static List<Pack> Cut(Layer layer)
    {
        var packs = new List<Pack>();
        foreach (ImageInode file in BodiesInPathOrder(layer))
        {
            if (file.Size >= LargeFileBytes)
                continue;
            if (packs.Count == 0 || packs[^1].Blocks + file.BodyBlocks > MaxBlocks)
                packs.Add(new Pack());
            packs[^1].Files.Add(file);
            packs[^1].Blocks += (int)file.BodyBlocks;
        }
        return packs;
    }

    /// <summary>Every regular file of the layer that has blocks of its own, once.</summary>
    internal static List<ImageInode> BodiesInPathOrder(Layer layer)
    {
        var found = new List<ImageInode>();
        Collect(layer.Root, [], found);
        return found;
    }

    private static void Collect(LayerNode directory, HashSet<ImageInode> seen, List<ImageInode> found)
    {
        foreach ((_, LayerNode node) in directory.Children.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            if (node.IsDirectory)
                Collect(node, seen, found);
            else if (node.Inode is { IsRegular: true, BodyBlocks: > 0 } file && seen.Add(file))
                found.Add(file);
        }
    }
}
