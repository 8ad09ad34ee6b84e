namespace ZeroOS.Oci.Layout;

/// <summary>What an image of an index runs on (OCI image-spec, image-index.md).</summary>
public sealed record OciPlatform
{
    public string? Architecture { get; init; }

    public string? Os { get; init; }
}
