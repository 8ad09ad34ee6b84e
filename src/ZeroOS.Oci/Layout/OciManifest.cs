namespace ZeroOS.Oci.Layout;

/// <summary>An image manifest or an image index (OCI image-spec, manifest.md and image-index.md): an index has <see cref="Manifests"/>.</summary>
public sealed record OciManifest
{
    /// <summary>The media type of an image manifest.</summary>
    public const string ImageType = "application/vnd.oci.image.manifest.v1+json";

    public string? MediaType { get; init; }

    public string? ArtifactType { get; init; }

    public OciDescriptor? Config { get; init; }

    public List<OciDescriptor>? Layers { get; init; }

    public List<OciDescriptor>? Manifests { get; init; }

    public OciDescriptor? Subject { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }
}
