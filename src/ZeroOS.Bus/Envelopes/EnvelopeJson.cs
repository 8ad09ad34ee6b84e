using System.Text.Json.Serialization;

namespace ZeroOS.Bus.Envelopes;

/// <summary>A DSSE v1 envelope as it travels.</summary>
internal sealed record WireEnvelope
{
    public required string PayloadType { get; init; }

    public required string Payload { get; init; }

    public required IReadOnlyList<WireSignature> Signatures { get; init; }
}

/// <summary>One signature of it.</summary>
internal sealed record WireSignature
{
    [JsonPropertyName("keyid")]
    public required string KeyId { get; init; }

    public required string Sig { get; init; }
}

/// <summary>JSON of the envelope alone.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(WireEnvelope))]
internal sealed partial class EnvelopeJson : JsonSerializerContext;
