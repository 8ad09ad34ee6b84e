using System.Text.Json.Serialization;

namespace ZeroOS.Client.Attestation;

/// <summary>The verdict.</summary>
public sealed record AttestationReport
{
    /// <summary>Everything that can be proved with what was given is proved, the image first of all.</summary>
    public required bool Proved { get; init; }

    /// <summary>What is proved and what is not, in one sentence.</summary>
    public required string Sentence { get; init; }

    /// <summary>The first thing that speaks against it.</summary>
    public string? Reason { get; init; }

    /// <summary>The list behind the sentence.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>The TPM, once its word was proved genuine and fresh: what is to be pinned.</summary>
    public PinnedTpm? Tpm { get; init; }

    /// <summary>A report of a node that did not answer with a quote.</summary>
    public static AttestationReport None(string reason, string says) =>
        new() { Proved = false, Reason = reason, Sentence = $"Not proved: {reason}: {says}.", Findings = [new Finding("tpm", Verdict.Fails, says, reason)] };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AttestationReport))]
public sealed partial class AttestationJson : JsonSerializerContext;
