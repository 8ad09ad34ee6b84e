using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Flist;
using ZeroOS.Oci.Layout;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Oci.Build;

/// <summary>Sends a flist from an OCI layout to a registry: blobs first, the manifest last, so that a reader never sees a half one.</summary>
public static class FlistPublisher
{
    private const string IndexMediaType = "application/vnd.oci.image.index.v1+json";

    /// <summary>
    /// Pushes the flist under <paramref name="tag"/>, or under its digest alone when that is null; blobs the registry has are not sent again.
    /// </summary>
    /// <exception cref="FlistBuildException">The flist in the layout is damaged.</exception>
    /// <exception cref="RegistryException">What the registry refused.</exception>
    public static async Task PushAsync(string layoutDirectory, string manifestDigest, RegistryClient registry, string repository, string? tag,
        IProgress<BuildProgress>? progress = null, CancellationToken cancellation = default)
    {
        FlistArtifact flist = FlistArtifact.Open(layoutDirectory, manifestDigest);
        BlobDescriptor[] blobs = [flist.Manifest.Config, flist.Manifest.Index, .. flist.Manifest.Data];
        long done = 0, total = blobs.Sum(b => b.Size);
        foreach (BlobDescriptor blob in blobs)
        {
            string path = flist.BlobPath(blob.Digest);
            if (!File.Exists(path) || new FileInfo(path).Length != blob.Size)
                throw new FlistBuildException($"the blob {blob.Digest} is not in the layout, or not whole");
            await registry.PushBlobAsync(repository, blob.Digest, blob.Size, () => File.OpenRead(path), cancellation).ConfigureAwait(false);
            done += blob.Size;
            progress?.Report(new BuildProgress(BuildPhase.Pushing, done, total));
        }
        await registry.PushManifestAsync(repository, tag ?? manifestDigest, flist.ManifestBytes, OciManifest.ImageType, cancellation).ConfigureAwait(false);
        OciManifest manifest = OciJson.Read(flist.ManifestBytes, OciJson.Default.OciManifest, "the manifest");
        if (manifest.Subject?.Digest is { } subject && Sha256Digest.TryParse(subject, out Sha256Digest image))
            await ListReferrerAsync(flist, registry, repository, image, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Adds the flist to the tag that stands in for the referrers API (distribution-spec, "Referrers Tag Schema"): the registries in use answer
    /// that API with 404.
    /// </summary>
    private static async Task ListReferrerAsync(FlistArtifact flist, RegistryClient registry, string repository, Sha256Digest image,
        CancellationToken cancellation)
    {
        string tag = "sha256-" + image.Hex;
        JsonObject? index = null;
        if (await registry.HasManifestAsync(repository, tag, cancellation).ConfigureAwait(false))
        {
            RegistryManifest stored = await registry.GetManifestAsync(repository, tag, cancellation: cancellation).ConfigureAwait(false);
            index = OciJson.Read(stored.Bytes, OciJson.Default.JsonObject, $"the list of referrers {tag}");
        }
        index ??= new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = IndexMediaType };
        if (OciIndexJson.Put(index, flist.Digest, flist.ManifestBytes.Length))
            await registry.PushManifestAsync(repository, tag, Encoding.UTF8.GetBytes(index.ToJsonString()), IndexMediaType, cancellation).ConfigureAwait(false);
    }
}
