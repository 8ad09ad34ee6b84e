namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// What a device is to a transport. It sees its queues and says when it cannot go on; it knows neither KVM nor PCI. All calls after construction come on the
/// event loop's thread, but for reads and writes of <see cref="Config"/>, which come on processors' threads.
/// </summary>
internal abstract class VirtioDevice
{
    private VirtQueue?[] _queues = [];

    /// <summary>Virtio device id (chapter 5).</summary>
    public abstract ushort Id { get; }

    /// <summary>PCI class code.</summary>
    public abstract uint PciClass { get; }

    /// <summary>Feature bits offered.</summary>
    public abstract ulong Features { get; }

    /// <summary>The largest size of each queue.</summary>
    public abstract ReadOnlySpan<ushort> QueueSizes { get; }

    /// <summary>Device-specific configuration.</summary>
    public abstract ConfigSpace Config { get; }

    /// <summary>What it is called in statistics: "vda", "eth0", "vsock".</summary>
    public abstract string Name { get; }

    /// <summary>What it has done.</summary>
    public abstract DeviceCounters Counters { get; }

    /// <summary>How the device says that the driver broke a rule; set by the transport.</summary>
    public Action<string>? Broken { get; set; }

    /// <summary>How the device says that it changed its configuration; set by the transport, which interrupts the driver.</summary>
    public Action? ConfigChanged { get; set; }

    /// <summary>How the device asks to be notified of a queue again, after everything else that is ready; set by the transport.</summary>
    public Action<int>? Again { get; set; }

    /// <summary>Whether the driver has started it and it has not stopped.</summary>
    public bool Active { get; private set; }

    /// <summary>The driver said DRIVER_OK. Queues it did not enable are null. Every queue is looked at once: kicks may have come before.</summary>
    public void Activate(VirtQueue?[] queues, ulong features)
    {
        Active = true;
        _queues = queues;
        OnActivate(queues, features);
        for (int i = 0; i < queues.Length && Active; i++)
        {
            if (queues[i] != null)
                OnNotify(i);
        }
    }

    /// <summary>The driver has put something into a queue. It may say so of one that it did not enable: nothing happens.</summary>
    public void Notify(int queue)
    {
        Counters.Notifications++;
        if (Active && _queues[queue] != null)
            OnNotify(queue);
    }

    /// <summary>The driver resets the device: what is in flight is finished or forgotten, and no queue is touched after the return.</summary>
    public void Reset()
    {
        Active = false;
        OnReset();
    }

    /// <summary>Takes the queues.</summary>
    protected abstract void OnActivate(VirtQueue?[] queues, ulong features);

    /// <summary>
    /// Works a queue, no longer than a turn may take: a driver that refills as fast as the device works must not keep the event loop from the other devices
    /// and the node. What is left is left to <see cref="Postpone"/>.
    /// </summary>
    protected abstract void OnNotify(int queue);

    /// <summary>Drains and forgets the queues.</summary>
    protected abstract void OnReset();

    /// <summary>Ends a turn with work left in a queue; it is notified again.</summary>
    protected void Postpone(int queue)
    {
        Counters.Postponed++;
        Again?.Invoke(queue);
    }

    /// <summary>
    /// Works a queue for one turn: at most <paramref name="turn"/> chains, each given to <paramref name="take"/>, which gives it back. What is left is
    /// postponed. False at a broken chain: the caller breaks. Called for every packet, so <paramref name="take"/> is a delegate that the device keeps.
    /// </summary>
    protected bool TryWork(int queue, VirtQueue q, DescriptorChain chain, int turn, Action<VirtQueue> take)
    {
        for (int taken = 0; taken < turn; taken++)
        {
            PopResult result = q.TryPop(chain);
            if (result == PopResult.Broken)
                return false;
            if (result == PopResult.Chain)
            {
                take(q);
            }
            else if (q.TryAwaitNotification())
            {
                q.Flush();
                return true;
            }
        }
        q.Flush();
        Postpone(queue);
        return true;
    }

    /// <summary>Stops the device: the driver must reset it (2.1.1, DEVICE_NEEDS_RESET). The monitor goes on.</summary>
    protected void Break(string reason)
    {
        Counters.BrokenChains++;
        Active = false;
        Broken?.Invoke(reason);
    }
}
