using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Net;

/// <summary>What a card counts: frames, and bytes with their headers.</summary>
internal sealed class NetCounters : DeviceCounters
{
    /// <summary>Given to the guest, taken from it, and refused by the tap.</summary>
    public long Received, ReceivedBytes, Sent, SentBytes, Dropped;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, long Value)> ByName => base.ByName.Concat(
        [("rxFrames", Received), ("txFrames", Sent), ("rxBytes", ReceivedBytes), ("txBytes", SentBytes), ("txDropped", Dropped)]);
}
