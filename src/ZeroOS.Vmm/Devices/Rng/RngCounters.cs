using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Rng;

/// <summary>What the entropy device counts.</summary>
internal sealed class RngCounters : DeviceCounters
{
    /// <summary>Bytes given.</summary>
    public long Bytes;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, long Value)> ByName => base.ByName.Append(("bytes", Bytes));
}
