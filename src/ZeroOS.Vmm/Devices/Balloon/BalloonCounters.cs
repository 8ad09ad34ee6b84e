using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm.Devices.Balloon;

/// <summary>What the balloon counts, in bytes, and what the guest last said about its memory, which is believed about nobody but itself.</summary>
internal sealed class BalloonCounters : DeviceCounters
{
    /// <summary>The names of the guest's statistics by their tags (virtio 1.2, 5.5.6.4); null: not of interest.</summary>
    private static readonly string?[] s_guest = ["guest.swapIn", "guest.swapOut", "guest.majorFaults", null, "guest.free", "guest.total", "guest.available",
        "guest.caches"];

    /// <summary>Tags that are kept.</summary>
    public static int Tags => s_guest.Length;

    /// <summary>What the guest should give up, and says that it has.</summary>
    public long TargetBytes, ActualBytes;

    /// <summary>Given back by inflating and by reporting; taken again by deflating.</summary>
    public long InflatedBytes, ReportedBytes, DeflatedBytes;

    /// <summary>Reports that were ignored, because the guest fills free pages with something that must still be there; pages named that are not RAM.</summary>
    public long IgnoredReports, RefusedPages;

    /// <summary>The guest's statistics by tag; -1: never said.</summary>
    public long[] Guest { get; } = [.. Enumerable.Repeat(-1L, s_guest.Length)];

    /// <inheritdoc/>
    public override IEnumerable<(string Name, long Value)> ByName => base.ByName
        .Concat([("targetBytes", TargetBytes), ("actualBytes", ActualBytes), ("inflatedBytes", InflatedBytes), ("reportedBytes", ReportedBytes)])
        .Concat([("deflatedBytes", DeflatedBytes), ("ignoredReports", IgnoredReports), ("refusedPages", RefusedPages)])
        .Concat(s_guest.Zip(Guest).Where(g => g.First is not null && g.Second >= 0).Select(g => (g.First!, g.Second)));
}
