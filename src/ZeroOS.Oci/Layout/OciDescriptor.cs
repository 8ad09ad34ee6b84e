namespace ZeroOS.Oci.Layout;

/// <summary>A reference by content (OCI image-spec, descriptor.md). JSON may leave out anything: what is needed is checked where it is used.</summary>
public sealed record OciDescriptor
{
    public string? MediaType { get; init; }

    public string? Digest { get; init; }

    /// <summary>Length in bytes.</summary>
    public long Size { get; init; }

    public string? ArtifactType { get; init; }

    public OciPlatform? Platform { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }
}
