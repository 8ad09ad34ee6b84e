using System.Globalization;

using ZeroOS.Bus.Keys;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Identity;

namespace ZeroOS.Node.Farm;

/// <summary>The ledger on the disks of the pool, before the node may use it.</summary>
internal sealed class CountedLedger(IReadOnlyList<StorageDisk> pool) : ICountedLedger
{
    /// <inheritdoc/>
    public void CountFrom(IdentityKey node, ulong value) =>
        _ = new LedgerStore(pool, node, counter: null, (_, _) => false).Change(l => l.Counter == value ? l : l with { Counter = value });

    /// <inheritdoc/>
    public string? Fault(KeyId node, ulong? value)
    {
        const string Advice = "put the farm's newest settings beside the image before the recovery key ends the lock";
        if (value is not { } counted)
            return $"the TPM's counter of the ledger is gone; {Advice}";
        if (LedgerStore.Read(pool, node)?.Counter is not { } written)
            return $"the ledger is gone from the disks; {Advice}";
        // One ahead: it is on the disks, and the power went before the counter was raised.
        return written == counted || written == counted + 1 ? null : string.Create(CultureInfo.InvariantCulture,
            $"the ledger on the disks has number {written}, and the TPM has counted to {counted}: it is an older one that somebody put back; {Advice}");
    }
}
