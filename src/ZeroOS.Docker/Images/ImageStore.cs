using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Flist;
using ZeroOS.Oci;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Pull;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Docker.Images;

/// <summary>
/// Finds images as zos run does: REGISTRY/NAME is a flist of a registry that the farm knows. Any other name is a container image: pulling it builds a flist and
/// pushes it to the first registry of the command line under the same name, and there it is found afterwards. So nothing is kept here.
/// </summary>
internal sealed class ImageStore(Registries registries)
{
    /// <summary>Images whose words are remembered.</summary>
    public const int Remembered = 128;

    private readonly ConcurrentDictionary<string, (JsonObject Image, long Bytes)> _known = new(StringComparer.Ordinal);

    /// <summary>The image that a name means now.</summary>
    /// <exception cref="DockerFault">404: there is none.</exception>
    public async Task<ResolvedImage> FindAsync(string name, CancellationToken cancellation)
    {
        if (Place(Parse(name)) is { } place)
        {
            try
            {
                return await ReadAsync(place, cancellation);
            }
            catch (Exception e) when (e is RegistryException { Failure: RegistryFailure.NotFound } or FlistFormatException)
            {
                // it is not there, or it is a container image of which nobody has made a flist
            }
        }
        throw DockerFault.Missing($"No such image: {name}");
    }

    /// <summary>Builds a flist of a container image and pushes it; the answer is its digest. What is a flist already is only looked at.</summary>
    /// <exception cref="DockerFault">404: there is no such image; 500: no registry to push to.</exception>
    public async Task<string> PullAsync(string name, RegistryCredentials? login, Func<string, IProgress<BuildProgress>> begin, CancellationToken cancellation)
    {
        RegistryReference reference = Parse(name);
        if (registries.Knows(reference.Registry))
            return (await FindAsync(name, cancellation)).Id;
        RegistryReference place = Place(reference) ?? throw new DockerFault(500,
            $"\"{name}\" is a container image, and a flist of it has to go to a registry that the node can reach; start zos docker with --registry NAME=URL");
        RegistryCredentials? credentials = login ?? await DockerCredentials.OfEnvironment().FindAsync(reference.Registry, cancellation);
        string folder = Directory.CreateTempSubdirectory("zos-docker").FullName;
        try
        {
            using RegistryClient from = registries.OpenToPull(reference, credentials);
            await RequireAsync(from, reference, name, cancellation);
            IProgress<BuildProgress> progress = begin(reference.Repository);
            string image = Path.Combine(folder, "image"), layout = Path.Combine(folder, "flist");
            await ImagePull.PullAsync(from, reference, image, progress, cancellation);
            BuildResult built = await Task.Run(() => FlistBuilder.Build(FlistSource.Parse($"oci:{image}"), layout, progress), cancellation);
            using RegistryClient to = registries.Open(place);
            await FlistPublisher.PushAsync(layout, built.ManifestDigest, to, place.Repository, place.Tag, progress, cancellation);
            return built.ManifestDigest;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Before the first byte of the answer, so that what is missing is an error and not an end of a stream.
    private static async Task RequireAsync(RegistryClient from, RegistryReference reference, string name, CancellationToken cancellation)
    {
        try
        {
            if (await from.HasManifestAsync(reference.Repository, reference.Target, cancellation))
                return;
        }
        catch (RegistryException e) when (e.Failure is RegistryFailure.Denied or RegistryFailure.NotFound)
        {
            // as below: a registry does not say which of both it is
        }
        throw DockerFault.Missing($"pull access denied for {name}, repository does not exist or may require 'docker login'");
    }

    /// <summary>Where a flist of the reference is; null: nowhere.</summary>
    private RegistryReference? Place(RegistryReference reference)
    {
        if (registries.Knows(reference.Registry))
            return reference;
        if (registries.First is not { } first)
            return null;
        // The hub's own names as people write them; others keep their registry in front.
        string repository = reference.Registry == RegistryReference.DockerHub ? reference.Repository
            : $"{reference.Registry.Replace(':', '-').ToLowerInvariant()}/{reference.Repository}";
        return new RegistryReference
        {
            Registry = first,
            Repository = repository,
            Tag = reference.Tag ?? (reference.Digest is { } digest ? $"sha256-{digest.Hex}" : null),
        };
    }

    private RegistryReference Parse(string name) =>
        RegistryReference.TryParseDocker(name, registries.Knows, out RegistryReference? reference, out string? error) ? reference
            : throw DockerFault.Bad($"invalid reference format: {error}");

    private async Task<ResolvedImage> ReadAsync(RegistryReference place, CancellationToken cancellation)
    {
        using RegistryClient registry = registries.Open(place);
        RegistryManifest stored = await registry.GetManifestAsync(place.Repository, place.Target, cancellation: cancellation);
        FlistManifest manifest = FlistManifest.Parse(stored.Bytes);
        string digest = stored.Digest.ToString();
        if (!_known.TryGetValue(digest, out (JsonObject Image, long Bytes) known))
        {
            byte[] config = await registry.GetBlobAsync(place.Repository, manifest.Config.Digest, FlistFormat.MaxConfigBytes, cancellation);
            known = (Words.Parse(config), manifest.Data.Sum(d => d.Size));
            if (_known.Count < Remembered)
                _known.TryAdd(digest, known);
        }
        FlistReference flist = new() { Reference = (place with { Digest = null, Tag = place.Tag ?? "latest" }).ToString(), Digest = digest };
        // A node has one parent: each gets its own.
        return new ResolvedImage(flist, (JsonObject)known.Image.DeepClone(), known.Bytes);
    }
}
