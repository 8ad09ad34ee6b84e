using ZeroOS.Contracts.Release;

namespace ZeroOS.Client.Attestation;

/// <summary>What the evidence is held against. What is null is not checked, and the verdict says so.</summary>
public sealed record Expectation
{
    /// <summary>The image that should run.</summary>
    public Measurements? Measurements { get; init; }

    /// <summary>The farm settings that should be beside it.</summary>
    public byte[]? Farm { get; init; }

    /// <summary>The TPM of the first attestation.</summary>
    public PinnedTpm? Pinned { get; init; }

    /// <summary>Certificates of the TPM makers that are trusted, PEM.</summary>
    public string? EndorsementAuthorities { get; init; }

    /// <summary>Authenticode hashes of files that may be started besides, hex: a boot menu of the firmware, iPXE.</summary>
    public IReadOnlyList<string> Accepted { get; init; } = [];

    /// <summary>Another TPM than the pinned one is accepted.</summary>
    public bool NewTpm { get; init; }

    /// <summary>Another firmware than the pinned one is accepted.</summary>
    public bool NewFirmware { get; init; }
}
