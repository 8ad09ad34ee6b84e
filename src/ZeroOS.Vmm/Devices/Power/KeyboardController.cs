using ZeroOS.Contracts.Monitor;
using ZeroOS.Vmm.Cpu;

namespace ZeroOS.Vmm.Devices.Power;

/// <summary>The keyboard controller's command port: nothing is there to talk to, but pulsing the reset line ends the machine.</summary>
internal sealed class KeyboardController(Action<MonitorExit, string> ended) : IBusDevice
{
    private const byte PulseReset = 0xfe;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => data.Clear();

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (data[0] == PulseReset)
            ended(MonitorExit.Reset, "the guest asked for a reset");
    }
}
