using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Block;

/// <summary>What a disk counts.</summary>
internal sealed class BlockCounters : DeviceCounters
{
    /// <summary>Bytes moved, flushes done, requests refused or failed.</summary>
    public long BytesRead, BytesWritten, Flushes, Errors;

    /// <summary>1 if an io_uring is used; chunks of a flist asked for.</summary>
    public long Ring, ChunksAsked;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, long Value)> ByName => base.ByName.Concat(
        [("bytesRead", BytesRead), ("bytesWritten", BytesWritten), ("flushes", Flushes), ("errors", Errors), ("ring", Ring), ("chunksAsked", ChunksAsked)]);
}
