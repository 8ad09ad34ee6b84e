namespace ZeroOS.Vmm.Virtio;

/// <summary>What every device counts. Written by the event loop only.</summary>
internal class DeviceCounters
{
    /// <summary>Kicks that arrived; times the driver broke a rule and the device stopped; turns that ended with work left in a queue.</summary>
    public long Notifications, BrokenChains, Postponed;

    /// <summary>All counters by name.</summary>
    public virtual IEnumerable<(string Name, long Value)> ByName =>
        [("notifications", Notifications), ("broken", BrokenChains), ("postponed", Postponed)];
}
