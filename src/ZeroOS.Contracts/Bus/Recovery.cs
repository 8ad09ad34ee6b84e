namespace ZeroOS.Contracts.Bus;

/// <summary>What a node says of itself while its identity cannot be unsealed. Nobody can prove it: the key that signs it is of this start alone.</summary>
public sealed record LockedState
{
    /// <summary>The key id under which it is known.</summary>
    public required string NodeId { get; init; }

    /// <summary>Kebab-case: no-tpm, other-tpm, no-sha256-bank, image-not-signed, record-changed, tpm-failed.</summary>
    public required string Reason { get; init; }

    /// <summary>A sentence.</summary>
    public required string Message { get; init; }
}

/// <summary>Body of zos.node.recover: without a seed it asks for the box, with one it ends the lock.</summary>
public sealed record NodeRecover
{
    /// <summary>The seed of the identity, 32 bytes, base64; the node takes no other than the one whose key id is its own.</summary>
    public string? Seed { get; init; }

    /// <summary>Where nothing can be sealed, keep the seed in the open instead of refusing it.</summary>
    public bool AllowOpen { get; init; }
}

/// <summary>Answer to zos.node.recover.</summary>
public sealed record NodeRecovery
{
    /// <summary>The key id under which the node is known.</summary>
    public required string NodeId { get; init; }

    /// <summary>The seed sealed to the farm's recovery encryption key, 80 bytes, base64; null if a seed was given.</summary>
    public string? Box { get; init; }

    /// <summary>With a seed: the tier of the node from its next start on, which is now.</summary>
    public string? Tier { get; init; }
}
