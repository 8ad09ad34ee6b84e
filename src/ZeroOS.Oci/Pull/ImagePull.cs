using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

using ZeroOS.Flist;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Layout;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Oci.Pull;

/// <summary>
/// Brings a container image from a registry into an OCI layout directory: the version for nodes of it, three layers at once, each gone on with where it broke
/// off. A blob gets its name in the layout when its digest is right.
/// </summary>
public static class ImagePull
{
    /// <summary>Bytes of an image as stored, at most.</summary>
    public const long MaxBytes = 64L << 30;

    private const int MaxDepth = 4, MaxLayers = 127, AtOnce = 3, TriesWithoutProgress = 4;

    /// <summary>Pulls <paramref name="reference"/> into <paramref name="directory"/>, which is made and holds this image alone.</summary>
    /// <exception cref="RegistryException">What the registry did not do.</exception>
    /// <exception cref="FlistBuildException">It has no such image for nodes, or one that is none.</exception>
    /// <exception cref="IOException">What the disk refused.</exception>
    public static async Task PullAsync(RegistryClient registry, RegistryReference reference, string directory, IProgress<BuildProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        (RegistryManifest stored, OciManifest manifest) = await ChooseAsync(registry, reference, cancellation).ConfigureAwait(false);
        string blobs = Directory.CreateDirectory(Path.Combine(directory, "blobs", "sha256")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(blobs, stored.Digest.Hex), stored.Bytes, cancellation).ConfigureAwait(false);

        List<Blob> wanted = [.. Blobs(manifest).DistinctBy(b => b.Digest)];
        long total = wanted.Sum(b => b.Size);
        if (total > MaxBytes)
            throw new FlistBuildException($"the image has {total} bytes, the limit is {MaxBytes}");
        long done = 0;
        Lock reporting = new();
        await Parallel.ForEachAsync(wanted, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (blob, cancel) =>
            await DownloadAsync(registry, reference.Repository, blob, Path.Combine(blobs, blob.Digest.Hex), came =>
            {
                lock (reporting)
                    progress?.Report(new BuildProgress(BuildPhase.Pulling, done += came, total));
            }, cancel).ConfigureAwait(false)).ConfigureAwait(false);

        JsonObject index = new()
        {
            ["schemaVersion"] = 2,
            ["manifests"] = new JsonArray(new JsonObject
            {
                ["mediaType"] = manifest.MediaType ?? stored.MediaType,
                ["digest"] = stored.Digest.ToString(),
                ["size"] = stored.Bytes.Length,
            }),
        };
        await File.WriteAllTextAsync(Path.Combine(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""", cancellation).ConfigureAwait(false);
        await File.WriteAllBytesAsync(Path.Combine(directory, "index.json"), JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.JsonObject),
            cancellation).ConfigureAwait(false);
    }

    /// <summary>The image manifest behind a reference: of an index, the one that suits every node best.</summary>
    private static async Task<(RegistryManifest, OciManifest)> ChooseAsync(RegistryClient registry, RegistryReference reference,
        CancellationToken cancellation)
    {
        string target = reference.Target;
        for (int depth = 0; depth <= MaxDepth; depth++)
        {
            RegistryManifest stored = await registry.GetManifestAsync(reference.Repository, target, OciJson.MaxBytes, cancellation).ConfigureAwait(false);
            OciManifest manifest = OciJson.Read(stored.Bytes, OciJson.Default.OciManifest, $"the manifest of {reference}");
            if (manifest.ArtifactType == FlistFormat.ArtifactType)
                throw new FlistBuildException($"{reference} is a flist already");
            if (manifest.Manifests is { } choices)
            {
                OciDescriptor ours = OciLayout.ForNodes(choices);
                target = ours.Digest ?? "";
                if (!Sha256Digest.TryParse(target, out _))
                    throw new FlistBuildException($"the index of {reference} names an image without a sha256 digest");
                continue;
            }
            if (manifest.Config is null || manifest.Layers is null)
            {
                throw new FlistBuildException($"{reference} is no container image: its manifest, of type \"{manifest.MediaType ?? stored.MediaType}\", has no "
                    + "config and layers. Docker's first format (schema 1) is not read");
            }
            return (stored, manifest);
        }
        throw new FlistBuildException($"{reference} is an index of indexes of indexes");
    }

    private static IEnumerable<Blob> Blobs(OciManifest manifest)
    {
        if (manifest.Layers!.Count > MaxLayers)
            throw new FlistBuildException($"the image has {manifest.Layers.Count} layers, the limit is {MaxLayers}");
        foreach ((OciDescriptor? descriptor, string what) in manifest.Layers.Select((l, i) => ((OciDescriptor?)l, $"layer {i + 1}"))
            .Prepend((manifest.Config, "the config")))
        {
            if (!Sha256Digest.TryParse(descriptor?.Digest, out Sha256Digest digest) || descriptor!.Size is <= 0 or > MaxBytes)
                throw new FlistBuildException($"{what} of the image has no sha256 digest, or no size that could be right");
            yield return new Blob(digest, descriptor.Size, what);
        }
    }

    private static async Task DownloadAsync(RegistryClient registry, string repository, Blob blob, string path, Action<int> came,
        CancellationToken cancellation)
    {
        string part = path + ".part";
        using (FileStream file = new(part, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            for (int tries = 1; file.Position < blob.Size; tries++)
            {
                long from = file.Position;
                try
                {
                    await registry.ReadBlobAsync(repository, blob.Digest, from, blob.Size - from, bytes =>
                    {
                        file.Write(bytes.Span);
                        came(bytes.Length);
                    }, cancellation).ConfigureAwait(false);
                }
                catch (RegistryException e) when (e.Failure == RegistryFailure.Unreachable)
                {
                    tries = file.Position > from ? 0 : tries;
                    if (tries == TriesWithoutProgress)
                        throw;
                    await Task.Delay(TimeSpan.FromMilliseconds(250 << tries), cancellation).ConfigureAwait(false);
                }
            }
            file.Position = 0;
            Sha256Digest sent = new(await SHA256.HashDataAsync(file, cancellation).ConfigureAwait(false));
            if (sent != blob.Digest)
                throw new RegistryException(RegistryFailure.Invalid, $"the registry sent {sent} for {blob.What}, which is {blob.Digest}");
        }
        File.Move(part, path);
    }

    private readonly record struct Blob(Sha256Digest Digest, long Size, string What);
}
