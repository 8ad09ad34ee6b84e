namespace ZeroOS.Vmm.Virtio;

/// <summary>How a queue or a device tells the driver to look. The transport gives it; a test counts it.</summary>
internal interface IInterrupt
{
    /// <summary>Sends it. Any thread.</summary>
    void Signal();
}
