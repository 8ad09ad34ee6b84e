using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Json;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Storage;

namespace ZeroOS.Node.Disks;

/// <summary>
/// zos.disk.*: what is on the computer's disks, and the orders of the farm's threshold about them. An order is spent before the first byte is written, and a
/// disk is written only through the descriptor through which it was looked at.
/// </summary>
internal sealed class DiskHandlers(EngineStore store, DiskDependencies dependencies)
{
    /// <summary>Every disk, looked at now.</summary>
    public DiskList List(RequestContext context) => new() { Disks = [.. dependencies.Disks.Look().Select(Details)] };

    /// <summary>Begins to make a disk the node's. What the node runs from memory would stay behind, so there must be none of it.</summary>
    /// <exception cref="BusErrorException">The order does not count, or the disk is not the one it is about.</exception>
    public DiskDetails Claim(RequestContext context, SignedDiskOrder body)
    {
        DiskOrder order = Verify(body, DiskOrder.ClaimType);
        if (dependencies.InMemory() is var volumes && volumes > 0)
            throw new BusErrorException(ErrorCodes.Conflict,
                $"this node has no disk yet, and {volumes} volumes and writable layers lie in memory; delete them first: they would be lost");
        return Begin(context, order, dependencies.Disks.Claim, "claimed", dependencies.Claimed);
    }

    /// <summary>Begins to write zeros over a disk.</summary>
    /// <exception cref="BusErrorException">As for <see cref="Claim"/>.</exception>
    public DiskDetails Erase(RequestContext context, SignedDiskOrder body) =>
        Begin(context, Verify(body, DiskOrder.EraseType), dependencies.Disks.Erase, "erased", () => { });

    private DiskOrder Verify(SignedDiskOrder body, string type)
    {
        if (dependencies.OnTrial)
            throw new BusErrorException(ErrorCodes.Busy, "this version is on trial; the node's disks stay as they are until it is kept", retryable: true);
        if (dependencies.Settings() is not FarmSettings farm)
            throw new BusErrorException(ErrorCodes.Denied, "without farm settings nobody decides about this node's disks");
        if (!dependencies.ClockSynced())
            throw new BusErrorException(ErrorCodes.Unavailable, "the node's clock is not set, so it cannot tell whether the order still holds",
                retryable: true);
        if (!CanonicalBase64.TryDecode(body.Order, out byte[] document))
            throw new BusErrorException(ErrorCodes.Invalid, "order is not base64", "order");
        if (!ThresholdDocument.TryVerify(document, type, BusJson.Default.DiskOrder, farm, dependencies.Node, store.Time.GetUtcNow(), out DiskOrder? order,
            out ThresholdFault? fault))
            throw new BusErrorException(fault.LacksSignatures ? ErrorCodes.Denied : ErrorCodes.Invalid, $"the order does not count: {fault.Message}",
                fault.LacksSignatures ? null : "order");
        return order;
    }

    private DiskDetails Begin(RequestContext context, DiskOrder order, Func<string, string, Action, Action<string?>, SeenDisk> begin, string what, Action done)
    {
        try
        {
            return Details(begin(order.DiskId, order.ContentId, () => Spend(context, order), fault =>
            {
                Tell(order, what, fault);
                if (fault is null)
                    done();
            }));
        }
        catch (DiskRefusedException e)
        {
            throw new BusErrorException(e.IsUnknown ? ErrorCodes.NotFound : ErrorCodes.Conflict, e.Message);
        }
    }

    private void Spend(RequestContext context, DiskOrder order)
    {
        dependencies.Ledger.Spend(order.Id, order.NotAfter, store.Time.GetUtcNow());
        store.Mark(MessageMark.Of(context));
    }

    private void Tell(DiskOrder order, string what, string? fault)
    {
        string message = fault is null ? $"disk {order.DiskId[..12]} was {what}" : $"disk {order.DiskId[..12]} was not {what}: {fault}";
        store.TellOwners(dependencies.Settings()?.Owners ?? [], "node-disk", fault is null ? what : "disk-failed", message);
    }

    private static DiskDetails Details(SeenDisk seen) => new()
    {
        Disk = new DiskStatus
        {
            Name = seen.Disk.Name,
            Serial = seen.Disk.Serial,
            Model = seen.Disk.Model,
            SizeBytes = seen.Disk.SizeBytes,
            State = seen.State,
            Reason = seen.Reason,
            Remedy = seen.Remedy,
        },
        DiskId = seen.Disk.DiskId,
        ContentId = seen.ContentId,
        Percent = seen.Percent,
    };
}
