using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Flist;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>Writes OCI layouts by hand, so that a test can make any part of one wrong.</summary>
internal sealed class TestImage(string directory)
{
    public List<JsonObject> Layers { get; } = [];

    public List<string> DiffIds { get; } = [];

    public string Architecture { get; set; } = "amd64";

    public TestImage AddLayer(byte[] tar, bool gzip = false)
    {
        byte[] stored = tar;
        if (gzip)
        {
            using var compressed = new MemoryStream();
            using (var stream = new GZipStream(compressed, CompressionLevel.Fastest))
                stream.Write(tar);
            stored = compressed.ToArray();
        }
        Layers.Add(Put(stored, "application/vnd.oci.image.layer.v1.tar+gzip"));
        DiffIds.Add(Sha256Digest.Of(tar).ToString());
        return this;
    }

    /// <summary>Adds bytes as a blob and returns the descriptor.</summary>
    public JsonObject Put(byte[] content, string mediaType)
    {
        string blobs = Path.Combine(directory, "blobs", "sha256");
        Directory.CreateDirectory(blobs);
        Sha256Digest digest = Sha256Digest.Of(content);
        File.WriteAllBytes(Path.Combine(blobs, digest.Hex), content);
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = digest.ToString(), ["size"] = content.Length };
    }

    public JsonObject Manifest()
    {
        var config = new JsonObject
        {
            ["architecture"] = Architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Cmd"] = new JsonArray("/bin/true") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. DiffIds.Select(d => JsonValue.Create(d))]) },
        };
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["config"] = Put(Encoding.UTF8.GetBytes(config.ToJsonString()), "application/vnd.oci.image.config.v1+json"),
            ["layers"] = new JsonArray([.. Layers.Select(l => l.DeepClone())]),
        };
        return Put(Encoding.UTF8.GetBytes(manifest.ToJsonString()), "application/vnd.oci.image.manifest.v1+json");
    }

    public string Write(params JsonObject[] manifests)
    {
        File.WriteAllText(Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        string index = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray([.. manifests]) }.ToJsonString();
        File.WriteAllText(Path.Combine(directory, "index.json"), index);
        return index;
    }

    public static JsonObject Tagged(JsonObject descriptor, string tag)
    {
        descriptor["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = tag };
        return descriptor;
    }
}
