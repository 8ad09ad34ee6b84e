using System.Text.Json.Serialization;

namespace ZeroOS.Oci.Layout;

/// <summary>One image in the `manifest.json` of `docker save`: names of files in the same archive.</summary>
public sealed record DockerArchiveImage
{
    [JsonPropertyName("Config")]
    public string? Config { get; init; }

    [JsonPropertyName("RepoTags")]
    public List<string>? RepoTags { get; init; }

    [JsonPropertyName("Layers")]
    public List<string>? Layers { get; init; }
}
