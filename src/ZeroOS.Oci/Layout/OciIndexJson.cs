using System.Text.Json.Nodes;

using ZeroOS.Flist;

namespace ZeroOS.Oci.Layout;

/// <summary>Edits an image index that others write too: what it holds besides stays as it is.</summary>
internal static class OciIndexJson
{
    /// <summary>Lists a flist's manifest; false when it was listed already.</summary>
    internal static bool Put(JsonObject index, Sha256Digest manifest, long size)
    {
        if (index["manifests"] is not JsonArray manifests)
            index["manifests"] = manifests = [];
        string digest = manifest.ToString();
        if (manifests.Any(m => (m as JsonObject)?["digest"]?.ToString() == digest))
            return false;
        JsonNode entry = new JsonObject
        {
            ["mediaType"] = OciManifest.ImageType,
            ["digest"] = digest,
            ["size"] = size,
            ["artifactType"] = FlistFormat.ArtifactType,
        };
        manifests.Add(entry);
        return true;
    }
}
