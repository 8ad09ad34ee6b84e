using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Images.Fetch;

/// <summary>One thing to get from a registry.</summary>
internal sealed record FetchRequest
{
    /// <summary>The registry's base URL.</summary>
    public required string Url { get; init; }

    /// <summary>The farm's owners allow plain HTTP for it.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>The repository in it.</summary>
    public required string Repository { get; init; }

    /// <summary>For this registry only; forgotten with the request's connection.</summary>
    public RegistryCredentials? Credentials { get; init; }

    /// <summary>"sha256:..." of a manifest or blob.</summary>
    public required string Digest { get; init; }

    /// <summary>A whole manifest instead of a range of a blob.</summary>
    public bool Manifest { get; init; }

    /// <summary>First byte of the range.</summary>
    public long Offset { get; init; }

    /// <summary>Bytes of the range; of a manifest, how many at most.</summary>
    public required int Length { get; init; }
}

/// <summary>JSON between the node and its fetch process.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(FetchRequest))]
internal sealed partial class FetchJson : JsonSerializerContext;
