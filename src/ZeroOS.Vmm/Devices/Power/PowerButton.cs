using ZeroOS.Linux;

namespace ZeroOS.Vmm.Devices.Power;

/// <summary>The button behind the generic event device: its interrupt runs _EVT, which notifies PWRB.</summary>
internal sealed class PowerButton
{
    /// <summary>The interrupt.</summary>
    public EventFd Interrupt { get; } = new();

    /// <summary>Presses it once.</summary>
    public void Press() => Interrupt.Signal();
}
