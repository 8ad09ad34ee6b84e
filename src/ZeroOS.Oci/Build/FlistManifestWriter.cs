using System.Text.Json;

using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;
using ZeroOS.Oci.Layout;

namespace ZeroOS.Oci.Build;

/// <summary>The manifest of a flist (docs/flist.md, "The artifact"), always in the same bytes for the same content.</summary>
internal static class FlistManifestWriter
{
    private const string BuilderAnnotation = "org.zeroos.flist.builder";

    /// <summary>What besides the input decides the bytes: two builders of the same name make the same flist.</summary>
    internal static string Builder
    {
        get
        {
            int v = ZstdLibrary.Version;
            return $"zeroos/1 zstd/{v / 10000}.{v / 100 % 100}.{v % 100} level/{ChunkWriter.ZstdLevel}";
        }
    }

    internal static byte[] Write(ImageSource image, Sha256Digest config, (Sha256Digest Digest, long Size) index,
        IReadOnlyList<(Sha256Digest Digest, long Size)> blobs)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", OciManifest.ImageType);
            json.WriteString("artifactType", FlistFormat.ArtifactType);
            Descriptor(json, "config", image.ConfigType, config.ToString(), image.Config.Length);
            json.WriteStartArray("layers");
            Descriptor(json, null, FlistFormat.IndexMediaType, index.Digest.ToString(), index.Size);
            foreach ((Sha256Digest digest, long size) in blobs)
                Descriptor(json, null, FlistFormat.DataMediaType, digest.ToString(), size);
            json.WriteEndArray();
            if (image.Subject is { } subject)
                Descriptor(json, "subject", subject.MediaType!, subject.Digest!, subject.Size);
            json.WriteStartObject("annotations");
            json.WriteString(BuilderAnnotation, Builder);
            json.WriteString(FlistFormat.KindAnnotation, FlistFormat.KindRootfs);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        if (bytes.Length > FlistFormat.MaxManifestBytes)
            throw new FlistBuildException($"the manifest has {bytes.Length} bytes, the limit is {FlistFormat.MaxManifestBytes}");
        return bytes.ToArray();
    }

    private static void Descriptor(Utf8JsonWriter json, string? name, string mediaType, string digest, long size)
    {
        if (name is null)
            json.WriteStartObject();
        else
            json.WriteStartObject(name);
        json.WriteString("mediaType", mediaType);
        json.WriteString("digest", digest);
        json.WriteNumber("size", size);
        json.WriteEndObject();
    }
}
