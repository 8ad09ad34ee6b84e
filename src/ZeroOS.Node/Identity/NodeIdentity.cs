using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Node.Identity;

/// <summary>Who the node is on this start.</summary>
/// <param name="Key">Its identity; of a locked node a key of this start alone.</param>
/// <param name="Tier">open, sealed or locked.</param>
/// <param name="Locked">Why it cannot be who it is.</param>
internal sealed record NodeIdentity(IdentityKey Key, string Tier, LockedState? Locked)
{
    /// <summary>What counts the ledger, in the TPM; null: nothing does.</summary>
    public LedgerCounter? Counter { get; init; }

    /// <summary>It came out of the TPM, and lies nowhere in the open.</summary>
    public bool IsSealed => Tier == "sealed";
}
