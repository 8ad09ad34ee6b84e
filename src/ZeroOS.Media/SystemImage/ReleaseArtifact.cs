using System.Text.Json;

using ZeroOS.Flist;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Media.SystemImage;

/// <summary>
/// A release in an OCI registry: an artifact of two blobs, the signed document as its configuration and the EFI file as its only layer. A node asks for the
/// latter by digest.
/// </summary>
internal static class ReleaseArtifact
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json", DocumentType = "application/vnd.zeroos.release.v1.dsse+json",
        EfiType = "application/vnd.zeroos.image.v1.efi";

    /// <summary>Sends blobs first, the manifest last, under the version as tag; returns the manifest's digest.</summary>
    public static async Task<Sha256Digest> PushAsync(RegistryClient registry, RegistryReference reference, byte[] document, byte[] efi,
        CancellationToken cancellation)
    {
        foreach (byte[] blob in (byte[][])[efi, document])
            await registry.PushBlobAsync(reference.Repository, Sha256Digest.Of(blob), blob.Length, () => new MemoryStream(blob), cancellation);
        using MemoryStream manifest = new();
        using (Utf8JsonWriter json = new(manifest))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", ManifestType);
            json.WriteString("artifactType", DocumentType);
            json.WritePropertyName("config");
            Describe(json, DocumentType, document);
            json.WriteStartArray("layers");
            Describe(json, EfiType, efi);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return await registry.PushManifestAsync(reference.Repository, reference.Target, manifest.ToArray(), ManifestType, cancellation);
    }

    private static void Describe(Utf8JsonWriter json, string type, byte[] content)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", type);
        json.WriteString("digest", Sha256Digest.Of(content).ToString());
        json.WriteNumber("size", content.Length);
        json.WriteEndObject();
    }
}
