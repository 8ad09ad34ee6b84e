namespace ZeroOS.Vmm.Virtio;

/// <summary>
/// What a device is to a transport. It sees its queues and says when it cannot go on; it knows neither KVM nor PCI. All calls after construction come on the
/// event loop's thread; <see cref="Config"/> is immutable.
/// </summary>
internal abstract class VirtioDevice
{
    /// <summary>Virtio device id (chapter 5).</summary>
    public abstract ushort Id { get; }

    /// <summary>PCI class code.</summary>
    public abstract uint PciClass { get; }

    /// <summary>Feature bits offered.</summary>
    public abstract ulong Features { get; }

    /// <summary>The largest size of each queue.</summary>
    public abstract ReadOnlySpan<ushort> QueueSizes { get; }

    /// <summary>Device-specific configuration as the driver reads it.</summary>
    public abstract ReadOnlySpan<byte> Config { get; }

    /// <summary>What it is called in statistics: "vda", "eth0", "vsock".</summary>
    public abstract string Name { get; }

    /// <summary>Counters by name.</summary>
    public virtual IEnumerable<(string Name, long Value)> Counters => [("notifications", Notifications), ("broken", BrokenChains)];

    /// <summary>How the device says that the driver broke a rule; set by the transport.</summary>
    public Action<string>? Broken { get; set; }

    /// <summary>Times the driver broke a rule and the device stopped.</summary>
    public long BrokenChains { get; private set; }

    /// <summary>Kicks that arrived.</summary>
    public long Notifications { get; set; }

    /// <summary>Whether the driver has started it and it has not stopped.</summary>
    public bool Active { get; private set; }

    /// <summary>The driver said DRIVER_OK. Queues it did not enable are null. Every queue is looked at once: kicks may have come before.</summary>
    public void Activate(VirtQueue?[] queues, ulong features)
    {
        Active = true;
        OnActivate(queues, features);
        for (int i = 0; i < queues.Length && Active; i++)
        {
            if (queues[i] != null)
                OnNotify(i);
        }
    }

    /// <summary>The driver has put something into a queue.</summary>
    public void Notify(int queue)
    {
        Notifications++;
        if (Active)
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

    /// <summary>Works a queue.</summary>
    protected abstract void OnNotify(int queue);

    /// <summary>Drains and forgets the queues.</summary>
    protected abstract void OnReset();

    /// <summary>Stops the device: the driver must reset it (2.1.1, DEVICE_NEEDS_RESET). The monitor goes on.</summary>
    protected void Break(string reason)
    {
        BrokenChains++;
        Active = false;
        Broken?.Invoke(reason);
    }
}
