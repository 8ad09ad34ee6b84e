using ZeroOS.Contracts.Monitor;
using ZeroOS.Vmm.Cpu;

namespace ZeroOS.Vmm.Devices.Power;

/// <summary>The pvpanic port: a guest kernel that knows it says here that it panicked (QEMU docs/specs/pvpanic).</summary>
internal sealed class PanicNotice(Action<MonitorExit, string> ended) : IBusDevice
{
    private const byte Panicked = 1;

    /// <inheritdoc/>
    public void Read(ulong offset, Span<byte> data) => data.Fill(Panicked);

    /// <inheritdoc/>
    public void Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if ((data[0] & Panicked) != 0)
            ended(MonitorExit.GuestPanic, "the guest kernel panicked");
    }
}
