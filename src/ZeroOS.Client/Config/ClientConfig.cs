using System.Text.Json.Serialization;

using ZeroOS.Client.Attestation;

namespace ZeroOS.Client.Config;

/// <summary>What zos remembers.</summary>
public sealed record ClientConfig
{
    /// <summary>Pinned nodes by name.</summary>
    public IReadOnlyDictionary<string, KnownNode> Nodes { get; init; } = new SortedDictionary<string, KnownNode>(StringComparer.Ordinal);

    /// <summary>Registries' URLs, as this computer reaches them, by the name references use.</summary>
    public IReadOnlyDictionary<string, string> Registries { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>A pinned node.</summary>
public sealed record KnownNode
{
    /// <summary>Its key id.</summary>
    public required string Id { get; init; }

    /// <summary>Name or address.</summary>
    public required string Host { get; init; }

    /// <summary>TCP port of its bus.</summary>
    public required int Port { get; init; }

    /// <summary>Its TPM, once it was attested.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PinnedTpm? Tpm { get; init; }

    /// <summary>KEYID@HOST:PORT, as "node add" takes it.</summary>
    [JsonIgnore]
    public string Address => $"{Id}@{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, WriteIndented = true)]
[JsonSerializable(typeof(ClientConfig))]
public sealed partial class ConfigJson : JsonSerializerContext;
