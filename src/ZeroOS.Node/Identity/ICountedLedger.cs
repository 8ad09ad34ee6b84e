using ZeroOS.Bus.Keys;

namespace ZeroOS.Node.Identity;

/// <summary>The node's ledger, as the seal of its identity sees it: from the seal on it has to be there, and no older than the TPM's counter says.</summary>
internal interface ICountedLedger
{
    /// <summary>Makes the newest ledger of <paramref name="node"/> on the disks, or a new one, the one at which the counter now stands.</summary>
    /// <exception cref="IOException">A disk refuses.</exception>
    void CountFrom(IdentityKey node, ulong value);

    /// <summary>Why the ledger of <paramref name="node"/> on the disks is not the one at which the counter stands (null: there is none); null: it is.</summary>
    string? Fault(KeyId node, ulong? value);
}
