using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Client.Attestation;

/// <summary>What was asked and what came back: everything a verdict is made from, so that it can be made again later, elsewhere, or in a test.</summary>
public sealed record Evidence
{
    /// <summary>
    /// Registers a verdict needs, rising: firmware, its drivers, started files, Secure Boot, the image's sections, settings, and what else lay beside the
    /// image. The others are noise here.
    /// </summary>
    public static readonly IReadOnlyList<int> Pcrs = [0, 2, 4, 7, 11, 12, 13];

    /// <summary>The pinned node.</summary>
    public required KeyId Node { get; init; }

    /// <summary>Drawn for this question.</summary>
    public required byte[] Nonce { get; init; }

    /// <summary>The epoch the question was asked in.</summary>
    public required byte[] Epoch { get; init; }

    /// <summary>The key the question was sealed to.</summary>
    public required byte[] SealingKey { get; init; }

    /// <summary>The answer.</summary>
    public required NodeQuote Quote { get; init; }

    /// <summary>The secret that the challenge held.</summary>
    public required byte[] Secret { get; init; }

    /// <summary>The secret that came back; null if the node could not tell.</summary>
    public required byte[]? ToldSecret { get; init; }
}
