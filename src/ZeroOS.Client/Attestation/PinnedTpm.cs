namespace ZeroOS.Client.Attestation;

/// <summary>The TPM of a node at its first attestation: hex, as in config.json.</summary>
public sealed record PinnedTpm
{
    /// <summary>Name of the endorsement key.</summary>
    public required string EndorsementKey { get; init; }

    /// <summary>Name of the attestation key.</summary>
    public required string AttestationKey { get; init; }

    /// <summary>PCR 0: the firmware.</summary>
    public required string Pcr0 { get; init; }

    /// <summary>PCR 2: drivers from cards and disks.</summary>
    public required string Pcr2 { get; init; }
}
