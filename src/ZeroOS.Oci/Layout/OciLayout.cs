using ZeroOS.Flist;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Layout;

/// <summary>An image in an OCI layout (OCI image-spec, image-layout.md). Every document is checked against the digest that names it.</summary>
internal static class OciLayout
{
    private const string RefName = "org.opencontainers.image.ref.name";
    private const int MaxDepth = 4;

    /// <exception cref="FlistBuildException">There is no such image in it, or it is not what it says.</exception>
    internal static ImageSource Open(StoredFiles files, string? tag)
    {
        OciManifest index = OciJson.Read(files.ReadAll("index.json"), OciJson.Default.OciManifest, "index.json");
        OciDescriptor chosen = Choose(index, tag);
        OciManifest manifest = Follow(files, chosen, 0, out OciDescriptor subject);
        OciDescriptor configDescriptor = manifest.Config ?? throw new FlistBuildException("the image manifest has no config");
        byte[] config = ReadBlob(files, configDescriptor, "the image config");
        List<OciDescriptor> layers = manifest.Layers ?? [];
        List<Sha256Digest> diffIds = DiffIds(config, layers.Count);
        return new ImageSource
        {
            Config = config,
            ConfigType = configDescriptor.MediaType ?? ImageSource.ConfigMediaType,
            Subject = subject,
            Layers = [.. layers.Select((layer, i) => new LayerSource
            {
                Name = layer?.Digest ?? "?",
                Open = () => files.Open(BlobPath(layer!, out _)),
                HasWhiteouts = true,
                Digest = DigestOf(layer, "a layer"),
                Size = layer!.Size,
                DiffId = diffIds[i],
            })],
        };
    }

    /// <summary>Of an index of one image, the version that suits every node best.</summary>
    /// <exception cref="FlistBuildException">It has none for nodes.</exception>
    internal static OciDescriptor ForNodes(List<OciDescriptor> index)
    {
        List<OciDescriptor> images = index.FindAll(IsImage);
        return Best(images).FirstOrDefault() ?? throw new FlistBuildException(NotForUs(images));
    }

    /// <summary>The layers' uncompressed digests out of a config.</summary>
    internal static List<Sha256Digest> DiffIds(byte[] config, int layers)
    {
        OciImageConfig parsed = OciJson.Read(config, OciJson.Default.OciImageConfig, "the image config");
        string os = parsed.Os is null or "" ? "linux" : parsed.Os, architecture = parsed.Architecture is null or "" ? "amd64" : parsed.Architecture;
        if (!OciPlatform.IsOurs(os, architecture))
            throw new FlistBuildException($"the image is for {TarPath.Printable(os)}/{TarPath.Printable(architecture)}; nodes run {OciPlatform.Ours}");
        if (parsed.Rootfs?.Type is not (null or "layers"))
            throw new FlistBuildException("the image config's rootfs is not made of layers");
        List<string> diffIds = parsed.Rootfs?.DiffIds ?? [];
        if (diffIds.Count != layers)
            throw new FlistBuildException($"the image has {layers} layers and its config lists {diffIds.Count}");
        return [.. diffIds.Select(d => Sha256Digest.TryParse(d, out Sha256Digest digest)
            ? digest
            : throw new FlistBuildException("the config lists a layer without a sha256 digest"))];
    }

    /// <summary>One image of the layout: by its tag or digest, and of those that differ in nothing else by the platform.</summary>
    private static OciDescriptor Choose(OciManifest index, string? tag)
    {
        List<OciDescriptor> images = [.. (index.Manifests ?? []).Where(IsImage)];
        List<OciDescriptor> matching = tag is null ? images : [.. images.Where(d => d.Digest == tag || TagOf(d) == tag)];
        if (matching.Count == 1)
            return matching[0];
        List<OciDescriptor> best = Best(matching);
        if (IsOne(best, d => d.Digest) && (IsOne(Usable(matching), TagOf) || IsOne(Usable(matching), d => d.Digest)))
            return best[0];
        if (matching.Count > 0 && best.Count == 0)
            throw new FlistBuildException(NotForUs(matching));
        string there = images.Count == 0 ? "it holds no image" : "it has " + string.Join(", ", images.Select(d => TagOf(d) ?? d.Digest));
        throw new FlistBuildException(tag is null
            ? $"say which image of the layout, as oci:DIRECTORY:TAG; {there}"
            : $"the layout has no image \"{tag}\"; {there}");
    }

    private static IEnumerable<OciDescriptor> Usable(IEnumerable<OciDescriptor> images) => images.Where(d => OciPlatform.Rank(d.Platform) is not null);

    /// <summary>Those that suit every node best, in the order of the index.</summary>
    private static List<OciDescriptor> Best(IEnumerable<OciDescriptor> images)
    {
        List<OciDescriptor> usable = [.. Usable(images)];
        int? best = usable.Min(d => OciPlatform.Rank(d.Platform));
        return usable.FindAll(d => OciPlatform.Rank(d.Platform) == best);
    }

    private static bool IsOne(IEnumerable<OciDescriptor> images, Func<OciDescriptor, string?> of) => images.Select(of).Distinct().Count() == 1;

    private static string NotForUs(IEnumerable<OciDescriptor> images)
    {
        const int Named = 8;
        List<string> platforms = [.. images.Where(d => d.Platform is not null).Select(d => TarPath.Printable($"{d.Platform!.Os}/{d.Platform.Architecture}"))
            .Distinct().Take(Named)];
        return $"the image has no version for {OciPlatform.Ours}" + (platforms.Count == 0 ? "" : ", only for " + string.Join(", ", platforms));
    }

    private static bool IsImage(OciDescriptor? descriptor) => descriptor is not null
        // The type of an image's config stands here too; anything else is an artifact: a flist, an SBOM, a signature.
        && descriptor.ArtifactType is null or "" or ImageSource.ConfigMediaType or ImageSource.DockerConfigMediaType
        // BuildKit stores what it knows about a build as images for an unknown system.
        && descriptor.Platform is not { Os: "unknown" };

    private static string? TagOf(OciDescriptor descriptor) => descriptor.Annotations?.GetValueOrDefault(RefName);

    private static OciManifest Follow(StoredFiles files, OciDescriptor descriptor, int depth, out OciDescriptor subject)
    {
        byte[] bytes = ReadBlob(files, descriptor, "the image manifest");
        OciManifest manifest = OciJson.Read(bytes, OciJson.Default.OciManifest, "the image manifest");
        if (manifest.Manifests is not { } choices)
        {
            if (manifest.ArtifactType == FlistFormat.ArtifactType)
                throw new FlistBuildException("this is a flist already");
            subject = new OciDescriptor
            {
                MediaType = manifest.MediaType ?? descriptor.MediaType ?? OciManifest.ImageType,
                Digest = descriptor.Digest,
                Size = bytes.Length,
            };
            return manifest;
        }
        if (depth == MaxDepth)
            throw new FlistBuildException("the image is an index of indexes of indexes");
        return Follow(files, ForNodes(choices), depth + 1, out subject);
    }

    private static byte[] ReadBlob(StoredFiles files, OciDescriptor descriptor, string what)
    {
        string path = BlobPath(descriptor, out Sha256Digest digest);
        byte[] bytes = files.ReadAll(path);
        if (bytes.Length != descriptor.Size || Sha256Digest.Of(bytes) != digest)
            throw new FlistBuildException($"{what} is not {digest}: its bytes were changed");
        return bytes;
    }

    private static string BlobPath(OciDescriptor? descriptor, out Sha256Digest digest)
    {
        digest = DigestOf(descriptor, "a blob");
        return "blobs/sha256/" + digest.Hex;
    }

    private static Sha256Digest DigestOf(OciDescriptor? descriptor, string what) => Sha256Digest.TryParse(descriptor?.Digest, out Sha256Digest digest)
        ? digest
        : throw new FlistBuildException($"{what} of the image has no sha256 digest");
}
