namespace ZeroOS.Contracts.Bus;

/// <summary>Answer to zos.node.info.</summary>
public sealed record NodeInfo
{
    /// <summary>The node's key id.</summary>
    public required string Id { get; init; }

    /// <summary>Version of ZeroOS.</summary>
    public required string Version { get; init; }

    /// <summary>SHA-256 of the running image, "sha256:...", or "unknown".</summary>
    public required string ImageDigest { get; init; }

    /// <summary>open, sealed or attested; locked: see <see cref="Locked"/>.</summary>
    public required string Tier { get; init; }

    /// <summary>Of a locked node: who it says it is, and why it cannot prove that; <see cref="Id"/> is then a key of this start alone.</summary>
    public LockedState? Locked { get; init; }

    /// <summary>What it can do: names of optional features.</summary>
    public required IReadOnlyList<string> Features { get; init; }

    /// <summary>The X25519 key to seal requests to.</summary>
    public required SealingKey SealingKey { get; init; }

    /// <summary>16 random bytes, base64, that requests must name.</summary>
    public required string Epoch { get; init; }

    /// <summary>The node's clock, UTC.</summary>
    public required DateTimeOffset Time { get; init; }
}

/// <summary>
/// A sealing key, vouched for by the identity (docs/bus.md, "Keys"). The signature is Ed25519 over "zeroos.sealing-key.v1" NUL key(32 raw bytes).
/// </summary>
public sealed record SealingKey
{
    /// <summary>X25519 public key, base64, 32 bytes.</summary>
    public required string Key { get; init; }

    /// <summary>The identity's signature, base64, 64 bytes.</summary>
    public required string Signature { get; init; }
}
