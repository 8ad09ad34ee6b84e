using ZeroOS.Flist;
using ZeroOS.Formats.Erofs;
using ZeroOS.Oci.Layout;

namespace ZeroOS.Oci.Build;

/// <summary>
/// Makes a flist from an image: layers are read into trees and merged in memory, laid out once as EROFS, cut into chunks and written to an OCI
/// layout directory. Nothing of the image is unpacked on the computer that builds, and the result depends on the image alone.
/// </summary>
public static class FlistBuilder
{
    /// <summary>Device bytes of a metadata chunk, and of a chunk of a large file.</summary>
    private const int ChunkBytes = 256 * 1024;

    /// <summary>Builds <paramref name="source"/> into <paramref name="layoutDirectory"/>, which may hold other images already.</summary>
    /// <exception cref="FlistBuildException">What is wrong with the image.</exception>
    /// <exception cref="IOException">What the disk refused.</exception>
    public static BuildResult Build(FlistSource source, string layoutDirectory, IProgress<BuildProgress>? progress = null, BuildLimits? limits = null)
    {
        limits ??= BuildLimits.Default;
        using var output = new OciLayoutWriter(layoutDirectory);
        ImageSource image = source.Open(() => output.Workspace);
        if (image.Config.Length > FlistFormat.MaxConfigBytes)
            throw new FlistBuildException($"the image's config has {image.Config.Length} bytes, the limit is {FlistFormat.MaxConfigBytes}");
        if (image.Layers.Count > limits.MaxLayers)
            throw new FlistBuildException($"the image has {image.Layers.Count} layers, the limit is {limits.MaxLayers}");
        using var spool = new Spool(output.Workspace);
        var reader = new LayerReader(spool, limits, progress, image.Layers.Sum(l => l.Size ?? 0));
        var merge = new LayerMerge();
        var parts = new List<LayerParts>(image.Layers.Count);
        int ignoredXattrs = 0;
        for (int i = 0; i < image.Layers.Count; i++)
        {
            Layer layer = reader.Read(image.Layers[i], i);
            parts.Add(new LayerParts(layer));
            merge.Apply(layer, i);
            ignoredXattrs += layer.IgnoredXattrs;
        }
        try
        {
            return Write(image, merge.Root, parts, output, progress) with { IgnoredXattrs = ignoredXattrs };
        }
        catch (Exception e) when (e is ErofsException or FlistFormatException)
        {
            throw new FlistBuildException(e.Message, e);
        }
    }

    private static BuildResult Write(ImageSource image, ImageInode root, List<LayerParts> layers, OciLayoutWriter output, IProgress<BuildProgress>? progress)
    {
        ErofsLayout layout = ErofsLayout.Plan(root);
        int files = 0;
        foreach (ErofsInode inode in layout.Inodes)
        {
            files++;
            ((ImageInode)inode).Live = true;
        }
        long blocks = layout.MetadataBlocks;
        foreach (LayerParts layer in layers)
            blocks = layer.Place(blocks);
        if (blocks >= uint.MaxValue)
            throw new FlistBuildException("the image does not fit into 16 TiB");

        using var chunks = new ChunkWriter(output, progress, blocks * FlistFormat.BlockSize);
        byte[] metadata = layout.Write((uint)blocks);
        for (int at = 0; at < metadata.Length; at += ChunkBytes)
            chunks.Add(at, metadata.AsSpan(at, Math.Min(ChunkBytes, metadata.Length - at)), neededAtStart: true);
        chunks.EndBlob();
        var buffer = new byte[1 << 20];
        foreach (LayerParts layer in layers)
        {
            // A blob of its own for the packs: it is the same blob for every image on this layer.
            foreach (Pack pack in layer.Packs)
                WritePack(pack, chunks, buffer);
            chunks.EndBlob();
            foreach (ImageInode file in layer.LargeFiles)
                WriteLargeFile(file, chunks, buffer.AsSpan(0, ChunkBytes));
            chunks.EndBlob();
        }

        byte[] index = FlistIndexWriter.Write(blocks * FlistFormat.BlockSize, [.. chunks.Blobs.Select(b => b.Digest)], chunks.Chunks);
        byte[] manifest = FlistManifestWriter.Write(image, output.Add(image.Config), (output.Add(index), index.Length), chunks.Blobs);
        Sha256Digest digest = output.Add(manifest);
        output.List(digest, manifest.Length);
        return new BuildResult(digest.ToString(), blocks * FlistFormat.BlockSize, chunks.Blobs.Sum(b => b.Size), chunks.Chunks.Count, files, 0);
    }

    private static void WritePack(Pack pack, ChunkWriter chunks, byte[] buffer)
    {
        int at = 0;
        foreach (ImageInode file in pack.Files)
        {
            int bytes = (int)file.BodyBlocks * FlistFormat.BlockSize;
            file.ReadBody(0, buffer.AsSpan(at, bytes));
            at += bytes;
        }
        chunks.Add((long)pack.FirstBlock * FlistFormat.BlockSize, buffer.AsSpan(0, at), neededAtStart: false);
    }

    private static void WriteLargeFile(ImageInode file, ChunkWriter chunks, Span<byte> buffer)
    {
        long bytes = file.BodyBlocks * FlistFormat.BlockSize, start = (long)file.BodyBlock * FlistFormat.BlockSize;
        for (long at = 0; at < bytes; at += buffer.Length)
        {
            Span<byte> piece = buffer[..(int)Math.Min(buffer.Length, bytes - at)];
            file.ReadBody(at, piece);
            chunks.Add(start + at, piece, neededAtStart: false);
        }
    }
}
