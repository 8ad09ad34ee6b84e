using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Virtio;

/// <summary>Counts instead of interrupting.</summary>
internal sealed class CountedInterrupt : IInterrupt
{
    public int Count { get; private set; }

    public void Signal() => Count++;
}
