using ZeroOS.Contracts.Monitor;
using ZeroOS.Vmm.Cpu;

namespace ZeroOS.Vmm.Devices.Power;

/// <summary>
/// How a guest ends its machine: ACPI sleep control and status (hardware-reduced, ACPI 6.5, 4.8.3.7), the reset register after them. Three ports; the first
/// write that means something ends it.
/// </summary>
internal sealed class PowerRegisters(Action<MonitorExit, string> ended) : IBusDevice
{
    /// <summary>What is written to the reset register.</summary>
    public const byte ResetValue = 0x52;

    /// <summary>Ports used.</summary>
    public const int PortCount = 3;

    private const byte SleepEnable = 0x20, SoftOff = 5;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => data.Clear();

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (offset == 0 && (data[0] & SleepEnable) != 0 && ((data[0] >> 2) & 7) == SoftOff)
            ended(MonitorExit.PoweredOff, "the guest powered off");
        else if (offset == 2 && data[0] == ResetValue)
            ended(MonitorExit.Reset, "the guest asked for a reset");
    }
}
