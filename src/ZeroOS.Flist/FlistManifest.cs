using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZeroOS.Flist;

/// <summary>The manifest of a flist artifact, as docs/flist.md, "The artifact", wants it. What cannot be one is refused.</summary>
public sealed class FlistManifest
{
    private const string OciManifestType = "application/vnd.oci.image.manifest.v1+json";

    private FlistManifest(string kind, BlobDescriptor config, BlobDescriptor index, IReadOnlyList<BlobDescriptor> data)
    {
        Kind = kind;
        Config = config;
        Index = index;
        Data = data;
    }

    /// <summary><see cref="FlistFormat.KindRootfs"/> or <see cref="FlistFormat.KindDisk"/>.</summary>
    public string Kind { get; }

    /// <summary>The image's own OCI config.</summary>
    public BlobDescriptor Config { get; }

    /// <summary>The index.</summary>
    public BlobDescriptor Index { get; }

    /// <summary>The data blobs in the order the index lists them.</summary>
    public IReadOnlyList<BlobDescriptor> Data { get; }

    /// <summary>Reads a manifest whose digest has been verified.</summary>
    /// <exception cref="FlistFormatException">Which rule it breaks.</exception>
    public static FlistManifest Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > FlistFormat.MaxManifestBytes)
            throw new FlistFormatException($"the manifest has {json.Length} bytes; {FlistFormat.MaxManifestBytes} are allowed");
        ManifestDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(json, FlistManifestJson.Default.ManifestDocument);
        }
        catch (JsonException e)
        {
            throw new FlistFormatException($"the manifest is not the JSON it should be: {e.Message}");
        }
        if (document is null || document.SchemaVersion != 2 || (document.MediaType ?? OciManifestType) != OciManifestType)
            throw new FlistFormatException("this is not an OCI image manifest");
        if (document.ArtifactType != FlistFormat.ArtifactType)
            throw new FlistFormatException($"this is not a flist (artifactType \"{Clip(document.ArtifactType)}\"); build one with: zos flist build");
        if (document.Layers is not { Count: > 0 } layers || layers[0]?.MediaType != FlistFormat.IndexMediaType)
            throw new FlistFormatException("the first layer is not a flist index");
        string kind = document.Annotations?.GetValueOrDefault(FlistFormat.KindAnnotation) ?? "";
        if (kind is not (FlistFormat.KindRootfs or FlistFormat.KindDisk))
            throw new FlistFormatException($"the annotation {FlistFormat.KindAnnotation} is \"{Clip(kind)}\", neither rootfs nor disk");

        List<BlobDescriptor> data = [];
        for (int i = 1; i < layers.Count; i++)
        {
            if (layers[i]?.MediaType == FlistFormat.DataMediaType)
                data.Add(Descriptor(layers[i], $"layer {i}", FlistFormat.MaxDeviceSize));
            else if (layers[i]?.MediaType != FlistFormat.PrefetchMediaType || i != layers.Count - 1)
                throw new FlistFormatException($"layer {i} has the media type \"{Clip(layers[i]?.MediaType)}\"");
        }
        return new FlistManifest(kind, Descriptor(document.Config, "the config", FlistFormat.MaxConfigBytes),
            Descriptor(layers[0], "the index", FlistFormat.MaxIndexBytes), data);
    }

    /// <summary>Checks that an index belongs to this manifest: the same blobs in the same order, and no chunk outside its blob.</summary>
    /// <exception cref="FlistFormatException">Where they disagree.</exception>
    public void Check(FlistIndex index)
    {
        if (index.BlobCount != Data.Count)
            throw new FlistFormatException($"the index lists {index.BlobCount} blobs, the manifest {Data.Count}");
        for (int i = 0; i < Data.Count; i++)
        {
            if (index.BlobDigest(i) != Data[i].Digest)
                throw new FlistFormatException($"blob {i} of the index is not data layer {i} of the manifest");
        }
        for (int i = 0; i < index.ChunkCount; i++)
        {
            FlistChunk chunk = index[i];
            if (chunk.BlobOffset > Data[chunk.Blob].Size - chunk.StoredLength)
                throw new FlistFormatException($"chunk {i} lies outside of its blob");
        }
    }

    private static BlobDescriptor Descriptor(DescriptorDocument? descriptor, string what, long maxSize)
    {
        if (descriptor is null || !Sha256Digest.TryParse(descriptor.Digest, out Sha256Digest digest))
            throw new FlistFormatException($"{what} has no sha256 digest");
        return descriptor.Size is > 0 and var size && size <= maxSize
            ? new BlobDescriptor(digest, size)
            : throw new FlistFormatException($"{what} has {descriptor.Size} bytes; 1 to {maxSize} are allowed");
    }

    private static string Clip(string? text) => text is null ? "" : text.Length <= 80 ? text : text[..80];

    internal sealed record ManifestDocument
    {
        public int SchemaVersion { get; init; }
        public string? MediaType { get; init; }
        public string? ArtifactType { get; init; }
        public DescriptorDocument? Config { get; init; }
        public IReadOnlyList<DescriptorDocument?>? Layers { get; init; }
        public IReadOnlyDictionary<string, string?>? Annotations { get; init; }
    }

    internal sealed record DescriptorDocument
    {
        public string? MediaType { get; init; }
        public string? Digest { get; init; }
        public long Size { get; init; }
    }
}

/// <summary>The members of a manifest that are read; others are ignored, as OCI asks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16)]
[JsonSerializable(typeof(FlistManifest.ManifestDocument))]
internal sealed partial class FlistManifestJson : JsonSerializerContext;
