using System.Text.Json.Serialization;

namespace ZeroOS.Images.Store;

/// <summary>The "Healthcheck" member of an image config, Docker's and not OCI's (moby, docker-image-spec). Times are nanoseconds; 0 says nothing.</summary>
internal sealed record OciHealthDocument
{
    [JsonPropertyName("Test")]
    public IReadOnlyList<string?>? Test { get; init; }

    [JsonPropertyName("Interval")]
    public long Interval { get; init; }

    [JsonPropertyName("Timeout")]
    public long Timeout { get; init; }

    [JsonPropertyName("StartPeriod")]
    public long StartPeriod { get; init; }

    [JsonPropertyName("StartInterval")]
    public long StartInterval { get; init; }

    [JsonPropertyName("Retries")]
    public long Retries { get; init; }
}
