using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Devices;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Net;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>A card, and a network that sends frames of every length and takes what comes.</summary>
internal sealed class NetTarget : FuzzTarget
{
    private const int Header = 12;
    private readonly byte[] _frame = new byte[SeqPacketSocket.MaxMessage];
    private readonly SeqPacketSocket _outside;
    private readonly NetDevice _device;

    internal NetTarget(EventLoop loop)
    {
        (_outside, SeqPacketSocket tap) = SeqPacketSocket.Pair();
        _device = NetDevice.Open(new VmNic { TapDescriptor = tap.Descriptor.TakeNumber(), Mac = "02:00:00:00:00:01" }, 0, loop);
    }

    internal override VirtioDevice Device => _device;

    internal override long Work => Math.Min(_device.Counters.Received, _device.Counters.Sent);

    internal override void Ask(PlayedDriver driver, Random random)
    {
        if (random.Next(2) == 0)
            Offer(driver, random.Next(64, 4096));
        else
            driver.Send(1, Size, [new byte[Header], new byte[random.Next(1, 3000)]], []);
    }

    internal override void Answer(Random random)
    {
        _ = _outside.TrySend(_frame.AsSpan(0, random.Next(8) == 0 ? random.Next(1, 60_000) : random.Next(Header, 1526)), wait: false);
        while (_outside.TryReceive(_frame, out int length, out _, wait: false) == Errno.None && length > 0)
        {
        }
    }

    protected override void Close()
    {
        _device.Dispose();
        _outside.Dispose();
    }
}
