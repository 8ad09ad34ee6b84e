using System.Text.Json.Serialization;

namespace ZeroOS.Oci.Registry;

/// <summary>A token server's answer (Docker token authentication).</summary>
internal sealed record TokenAnswer
{
    [JsonPropertyName("token")]
    public string? Token { get; init; }

    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    [JsonPropertyName("expires_in")]
    public double? ExpiresIn { get; init; }
}

/// <summary>A registry's refusal (distribution-spec, "Error codes").</summary>
internal sealed record ErrorAnswer
{
    [JsonPropertyName("errors")]
    public IReadOnlyList<ErrorEntry?>? Errors { get; init; }
}

/// <summary>One reason in it.</summary>
internal sealed record ErrorEntry
{
    [JsonPropertyName("code")]
    public string? Code { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }
}

/// <summary>JSON that registries send.</summary>
[JsonSourceGenerationOptions(MaxDepth = 16)]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(ErrorAnswer))]
internal sealed partial class RegistryJson : JsonSerializerContext;
