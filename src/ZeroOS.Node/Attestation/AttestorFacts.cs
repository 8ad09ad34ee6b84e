using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Node.Attestation;

/// <summary>What the node says when it attests, beside what the TPM does.</summary>
internal sealed record AttestorFacts
{
    /// <summary>Who the node is.</summary>
    public required KeyId Node { get; init; }

    /// <summary>Whether its identity came out of this TPM.</summary>
    public required Func<bool> IdentitySealed { get; init; }

    /// <summary>The key requests are sealed to, base64.</summary>
    public required Func<string> SealingKey { get; init; }

    /// <summary>The running image.</summary>
    public ImageRelease Release { get; init; } = ImageRelease.Current;

    /// <summary>The boot's traces.</summary>
    public MeasuredBoot Boot { get; init; } = new();

    /// <summary>The signed document of the farm settings in force; null without any.</summary>
    public required Func<byte[]?> Settings { get; init; }

    /// <summary>Where the settings are that lay beside the image.</summary>
    public string SettingsBeside { get; init; } = FarmSettings.Path;
}
