using System.Text.Json.Serialization;

namespace ZeroOS.Bus.Keys;

/// <summary>A person's key file. Either the seed is there, or it is locked under a passphrase.</summary>
internal sealed record WireKeyFile
{
    public required int Version { get; init; }

    public required string Id { get; init; }

    /// <summary>Base64, 32 bytes.</summary>
    public string? Seed { get; init; }

    public WireLock? Locked { get; init; }
}

/// <summary>A seed under a passphrase: Argon2id, then XSalsa20-Poly1305.</summary>
internal sealed record WireLock
{
    public required string Kdf { get; init; }

    public required long Operations { get; init; }

    public required long MemoryBytes { get; init; }

    public required string Salt { get; init; }

    public required string Nonce { get; init; }

    public required string Box { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, WriteIndented = true)]
[JsonSerializable(typeof(WireKeyFile))]
internal sealed partial class KeyFileJson : JsonSerializerContext;
