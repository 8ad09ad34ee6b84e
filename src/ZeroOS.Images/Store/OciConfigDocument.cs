using System.Text.Json.Serialization;

namespace ZeroOS.Images.Store;

/// <summary>The members of an OCI image config that running needs (image-spec, config.md); others are ignored, as OCI asks.</summary>
internal sealed record OciConfigDocument
{
    [JsonPropertyName("architecture")]
    public string? Architecture { get; init; }

    [JsonPropertyName("os")]
    public string? System { get; init; }

    [JsonPropertyName("config")]
    public OciRunDocument? Config { get; init; }
}

/// <summary>Its "config" member.</summary>
internal sealed record OciRunDocument
{
    [JsonPropertyName("User")]
    public string? User { get; init; }

    [JsonPropertyName("Env")]
    public IReadOnlyList<string?>? Env { get; init; }

    [JsonPropertyName("Entrypoint")]
    public IReadOnlyList<string?>? Entrypoint { get; init; }

    [JsonPropertyName("Cmd")]
    public IReadOnlyList<string?>? Cmd { get; init; }

    [JsonPropertyName("WorkingDir")]
    public string? WorkingDir { get; init; }

    [JsonPropertyName("StopSignal")]
    public string? StopSignal { get; init; }

    [JsonPropertyName("Volumes")]
    public IReadOnlyDictionary<string, EmptyObject?>? Volumes { get; init; }

    [JsonPropertyName("Shell")]
    public IReadOnlyList<string?>? Shell { get; init; }

    [JsonPropertyName("Healthcheck")]
    public OciHealthDocument? Health { get; init; }
}

/// <summary>What Go makes of a set's values.</summary>
internal sealed record EmptyObject;

/// <summary>JSON of image configs.</summary>
[JsonSourceGenerationOptions(MaxDepth = 32)]
[JsonSerializable(typeof(OciConfigDocument))]
internal sealed partial class OciConfigJson : JsonSerializerContext;
