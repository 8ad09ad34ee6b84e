using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>What the socket device counts.</summary>
internal sealed class VsockCounters : DeviceCounters
{
    /// <summary>Connections that exist; those accepted and refused so far; bytes moved.</summary>
    public long Connections, Accepted, Refused, ToGuestBytes, FromGuestBytes;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, long Value)> ByName => base.ByName.Concat(
        [("connections", Connections), ("accepted", Accepted), ("refused", Refused), ("toGuestBytes", ToGuestBytes), ("fromGuestBytes", FromGuestBytes)]);
}
