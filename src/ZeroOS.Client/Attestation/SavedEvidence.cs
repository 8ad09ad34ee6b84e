using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Client.Attestation;

/// <summary>
/// Evidence in a file (--save): question and answer, for others to look at. Whoever did not ask cannot know when it was: the nonce is fresh only to who drew
/// it.
/// </summary>
public sealed record SavedEvidence
{
    /// <summary>The node's key id.</summary>
    public required string Node { get; init; }

    /// <summary>Base64, as the other bytes.</summary>
    public required byte[] Nonce { get; init; }

    /// <summary>The epoch asked in.</summary>
    public required byte[] Epoch { get; init; }

    /// <summary>The key sealed to.</summary>
    public required byte[] SealingKey { get; init; }

    /// <summary>The answer.</summary>
    public required NodeQuote Quote { get; init; }

    /// <summary>What the challenge held.</summary>
    public required byte[] Secret { get; init; }

    /// <summary>What the node told of it.</summary>
    public byte[]? ToldSecret { get; init; }

    /// <summary>To be written down.</summary>
    public static SavedEvidence Of(Evidence evidence) => new()
    {
        Node = evidence.Node.Text,
        Nonce = evidence.Nonce,
        Epoch = evidence.Epoch,
        SealingKey = evidence.SealingKey,
        Quote = evidence.Quote,
        Secret = evidence.Secret,
        ToldSecret = evidence.ToldSecret,
    };

    /// <summary>To be judged.</summary>
    public bool TryRead([NotNullWhen(true)] out Evidence? evidence)
    {
        evidence = !KeyId.TryParse(Node, out KeyId? node) ? null : new Evidence
        {
            Node = node,
            Nonce = Nonce,
            Epoch = Epoch,
            SealingKey = SealingKey,
            Quote = Quote,
            Secret = Secret,
            ToldSecret = ToldSecret,
        };
        return evidence is not null;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, WriteIndented = true)]
[JsonSerializable(typeof(SavedEvidence))]
public sealed partial class EvidenceJson : JsonSerializerContext;
