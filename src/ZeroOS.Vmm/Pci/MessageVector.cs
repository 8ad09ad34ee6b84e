using ZeroOS.Linux;

namespace ZeroOS.Vmm.Pci;

/// <summary>
/// One MSI-X vector: what a device signals. Masked signals are kept as pending and sent when the mask is lifted; none is lost between two threads.
/// </summary>
internal sealed class MessageVector
{
    private int _masked = 1;
    private int _pending;

    /// <summary>The event KVM turns into the interrupt.</summary>
    public EventFd Event { get; } = new();

    /// <summary>Its number in the routing table.</summary>
    public uint Gsi { get; set; }

    /// <summary>The bit of the pending bit array.</summary>
    public bool Pending => Volatile.Read(ref _pending) != 0;

    /// <summary>Sends the interrupt, or remembers it. Any thread.</summary>
    public void Signal()
    {
        if (Volatile.Read(ref _masked) == 0)
        {
            Event.Signal();
            return;
        }
        // Pending first, then the mask once more, both fenced: SetMasked does it the other way round, so one of the two sends.
        Interlocked.Exchange(ref _pending, 1);
        if (Volatile.Read(ref _masked) == 0)
            SendPending();
    }

    /// <summary>Masks or unmasks.</summary>
    public void SetMasked(bool masked)
    {
        Interlocked.Exchange(ref _masked, masked ? 1 : 0);
        if (!masked)
            SendPending();
    }

    private void SendPending()
    {
        if (Interlocked.Exchange(ref _pending, 0) == 1)
            Event.Signal();
    }
}
