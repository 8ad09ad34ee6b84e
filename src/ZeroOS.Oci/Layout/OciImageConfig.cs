using System.Text.Json.Serialization;

namespace ZeroOS.Oci.Layout;

/// <summary>The part of an image config that says what the layers are (OCI image-spec, config.md); the rest belongs to whoever runs it.</summary>
public sealed record OciImageConfig
{
    public string? Architecture { get; init; }

    public string? Os { get; init; }

    public OciRootfs? Rootfs { get; init; }
}

/// <summary>The digests of the uncompressed layers, base first.</summary>
public sealed record OciRootfs
{
    public string? Type { get; init; }

    [JsonPropertyName("diff_ids")]
    public List<string>? DiffIds { get; init; }
}
