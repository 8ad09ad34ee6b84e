namespace ZeroOS.Oci.Build;

/// <summary>What one layer puts on the device: its packs, then its large files that no later layer shadows.</summary>
internal sealed class LayerParts
{
    private readonly List<Pack> _packs;
    private readonly List<ImageInode> _largeFiles;

    /// <summary>Made before the layer is merged.</summary>
    internal LayerParts(Layer layer)
    {
        _packs = Pack.Cut(layer);
        _largeFiles = Pack.BodiesInPathOrder(layer).FindAll(f => f.Size >= Pack.LargeFileBytes);
    }

    internal IReadOnlyList<Pack> Packs => _packs;

    internal IReadOnlyList<ImageInode> LargeFiles => _largeFiles;

    /// <summary>Drops what nobody can read, gives the rest its blocks and returns the block after it.</summary>
    internal long Place(long block)
    {
        _packs.RemoveAll(p => !p.Files.Exists(f => f.Live));
        _largeFiles.RemoveAll(f => !f.Live);
        foreach (Pack pack in _packs)
        {
            pack.FirstBlock = Checked(block);
            foreach (ImageInode file in pack.Files)
            {
                file.BodyBlock = Checked(block);
                block += file.BodyBlocks;
            }
        }
        foreach (ImageInode file in _largeFiles)
        {
            file.BodyBlock = Checked(block);
            block += file.BodyBlocks;
        }
        return block;
    }

    private static uint Checked(long block) => block < uint.MaxValue ? (uint)block : throw new FlistBuildException("the image does not fit into 16 TiB");
}
