using ZeroOS.Contracts.Farm;

namespace ZeroOS.Bus.Farm;

/// <summary>Farm settings whose document verified (<see cref="FarmDocument"/>): every owner they list has signed.</summary>
/// <param name="Settings">What they say.</param>
/// <param name="Document">The signed document.</param>
/// <param name="Payload">What was signed: two documents that differ in signatures alone have the same.</param>
/// <param name="Signers">Key ids of all who signed, of which some may be no owners.</param>
public sealed record VerifiedFarm(FarmSettings Settings, byte[] Document, byte[] Payload, IReadOnlyList<string> Signers)
{
    /// <summary>Whether both say the same.</summary>
    public bool Says(VerifiedFarm other) => Payload.AsSpan().SequenceEqual(other.Payload);
}
