using ZeroOS.Flist;

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

    /// <summary>The layers' uncompressed digests out of a config.</summary>
    internal static List<Sha256Digest> DiffIds(byte[] config, int layers)
    {
        OciImageConfig parsed = OciJson.Read(config, OciJson.Default.OciImageConfig, "the image config");
        if (parsed.Os is not (null or "" or "linux") || parsed.Architecture is not (null or "" or "amd64"))
            throw new FlistBuildException($"the image is for {parsed.Os}/{parsed.Architecture}; this is linux/amd64");
        if (parsed.Rootfs?.Type is not (null or "layers"))
            throw new FlistBuildException("the image config's rootfs is not made of layers");
        List<string> diffIds = parsed.Rootfs?.DiffIds ?? [];
        if (diffIds.Count != layers)
            throw new FlistBuildException($"the image has {layers} layers and its config lists {diffIds.Count}");
        return [.. diffIds.Select(d => Sha256Digest.TryParse(d, out Sha256Digest digest)
            ? digest
            : throw new FlistBuildException("the config lists a layer without a sha256 digest"))];
    }

    private static OciDescriptor Choose(OciManifest index, string? tag)
    {
        List<OciDescriptor> images = [.. (index.Manifests ?? []).Where(IsImage)];
        List<OciDescriptor> matching = tag is null ? images : [.. images.Where(d => d.Digest == tag || TagOf(d) == tag)];
        if (matching.Count == 1)
            return matching[0];
        string there = images.Count == 0 ? "it holds no image" : "it has " + string.Join(", ", images.Select(d => TagOf(d) ?? d.Digest));
        throw new FlistBuildException(tag is null ? $"say which image of the layout, as oci:DIRECTORY:TAG; {there}" : $"the layout has no image \"{tag}\"; {there}");
    }

    private static bool IsImage(OciDescriptor? descriptor) => descriptor is not null && descriptor.ArtifactType != FlistFormat.ArtifactType
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
        OciDescriptor? ours = choices.FirstOrDefault(c => IsImage(c) && c.Platform is { Os: "linux", Architecture: "amd64" })
            ?? choices.FirstOrDefault(c => IsImage(c) && c.Platform is null);
        return Follow(files, ours ?? throw new FlistBuildException("the image has no version for linux/amd64"), depth + 1, out subject);
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
