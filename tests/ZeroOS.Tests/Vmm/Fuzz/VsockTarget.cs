using System.Runtime.InteropServices;

using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Vsock;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>The socket device, a guest with few ports and many packets, and a node that reads, writes, closes and refuses.</summary>
internal sealed class VsockTarget : FuzzTarget
{
    private const int Ports = 8, MaxHeld = 64;
    private readonly List<FileDescriptor> _held = [];
    private readonly byte[] _bytes = new byte[9000];
    private readonly VsockDevice _device;
    private readonly ManyTicks _time = new();
    private int _offers;

    internal VsockTarget(EventLoop loop) => _device = new VsockDevice(3, loop, Accept, _time);

    internal override VirtioDevice Device => _device;

    internal override long Work => Math.Min(_device.Counters.ToGuestBytes, _device.Counters.FromGuestBytes);

    internal override void Ask(PlayedDriver driver, Random random)
    {
        if (random.Next(3) == 0)
        {
            Offer(driver, 4096);
            return;
        }
        byte[] data = new byte[random.Next(3) == 0 ? random.Next(4000) : 0];
        VsockPacket p = new()
        {
            SourceCid = random.Next(50) == 0 ? 9u : 3u,
            TargetCid = 2,
            SourcePort = (uint)random.Next(Ports),
            TargetPort = 1024,
            Type = 1,
            Operation = data.Length > 0 ? VsockOperation.Data : (VsockOperation)random.Next(1, 9),
            Flags = (uint)random.Next(4),
            Length = random.Next(30) == 0 ? (uint)random.Next() : (uint)data.Length,
            BufferSize = (uint)random.Next(1 << 17),
            Forwarded = random.Next(20) == 0 ? (uint)random.Next(1 << 14) : 0,
        };
        byte[] header = MemoryMarshal.AsBytes(new ReadOnlySpan<VsockPacket>(in p)).ToArray();
        driver.Send(1, Size, data.Length > 0 ? [header, data] : [header], []);
    }

    internal override void Answer(Random random)
    {
        if (random.Next(400) == 0)
            _device.ResetAll();
        if (_held.Count == 0)
            return;
        int at = random.Next(_held.Count);
        switch (random.Next(8))
        {
            case 0 when random.Next(4) == 0:
                _held[at].Dispose();
                _held.RemoveAt(at);
                break;
            case < 4:
                _ = _held[at].TryRead(_bytes, out _);
                break;
            default:
                _ = _held[at].TryWrite(_bytes.AsSpan(0, random.Next(1, _bytes.Length)), out _);
                break;
        }
    }

    protected override void Close() => _held.ForEach(h => h.Dispose());

    private bool Accept(uint port, FileDescriptor end)
    {
        if (++_offers % 7 == 0 || _held.Count == MaxHeld)
            return false;
        FileDescriptor mine = end.Duplicate();
        NonBlocking.Set(mine);
        _held.Add(mine);
        return true;
    }

    // Time that passes with every look at it, so that the rate of new connections is not what is fuzzed.
    private sealed class ManyTicks : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _now++;
    }
}
