using System.Runtime.InteropServices;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Vsock;
using ZeroOS.Vmm.Events;

namespace ZeroOS.Tests.Vmm.Devices;

public sealed class VsockDeviceTests : IDisposable
{
    private const ushort Size = 128;
    private const uint GuestBuffer = 8192;
    private readonly PlayedDriver _driver = new();
    private readonly EventLoop _loop = new();
    private readonly PlayedTime _time = new();
    private readonly VsockDevice _device;
    private readonly Queue<ulong> _buffers = new();
    private FileDescriptor? _nodeEnd;
    private readonly List<FileDescriptor> _held = [];
    private bool _refuse;

    public VsockDeviceTests()
    {
        _device = new VsockDevice(3, _loop, (_, end) =>
        {
            _nodeEnd = end.Duplicate();
            return !_refuse;
        }, _time);
        _device.Activate([_driver.Make(0, Size), _driver.Make(1, Size), _driver.Make(2, Size)], _device.Features);
        Offer(32);
    }

    public void Dispose()
    {
        _nodeEnd?.Dispose();
        _loop.Dispose();
    }

    [Fact]
    public void A_connection_is_accepted_and_bytes_go_both_ways()
    {
        Connect(50);
        Say(50, VsockOperation.Data, "ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), NodeReads(4));
        _nodeEnd!.Write("pong!"u8);
        (VsockPacket p, byte[] data) = Hear();
        Assert.Equal((VsockOperation.Data, 5u), (p.Operation, p.Length));
        Assert.Equal("pong!"u8.ToArray(), data);
    }

    [Fact]
    public void The_guest_gets_no_more_than_its_credit_until_it_says_that_it_took_some()
    {
        Connect(50);
        _nodeEnd!.Write(new byte[3 * GuestBuffer]);
        uint got = 0;
        while (TryHear(out VsockPacket p, out _))
            got += p.Operation == VsockOperation.Data ? p.Length : 0;
        Assert.Equal(GuestBuffer, got);
        Say(50, VsockOperation.CreditUpdate, [], forwarded: GuestBuffer);
        while (TryHear(out VsockPacket p, out _))
            got += p.Operation == VsockOperation.Data ? p.Length : 0;
        Assert.Equal(2 * GuestBuffer, got);
    }

    [Fact]
    public void A_guest_that_sends_more_than_our_buffer_is_reset()
    {
        Connect(50);
        for (int i = 0; i < 64 && _device.Counters.Connections == 1; i++)
            Say(50, VsockOperation.Data, new byte[16 * 1024]);
        Assert.Equal(0, _device.Counters.Connections);
        VsockPacket last = default;
        while (TryHear(out VsockPacket p, out _))
            last = p;
        Assert.Equal(VsockOperation.Reset, last.Operation);
    }

    [Fact]
    public void When_the_node_closes_the_guest_is_told_and_its_reset_frees_the_place()
    {
        Connect(50);
        _nodeEnd!.Dispose();
        Assert.Equal((VsockOperation.Shutdown, 3u), (Hear().Packet.Operation, 3u));
        Say(50, VsockOperation.Reset, []);
        Assert.Equal(0, _device.Counters.Connections);
        Assert.False(_loop.Turn(0));
    }

    [Fact]
    public void When_the_guest_shuts_down_the_node_reads_to_the_end_and_then_nothing()
    {
        Connect(50);
        Say(50, VsockOperation.Data, [1, 2, 3]);
        Say(50, VsockOperation.Shutdown, [], flags: 3);
        Assert.Equal([1, 2, 3], NodeReads(3));
        Assert.Equal(0, _nodeEnd!.Read(new byte[8]));
        Assert.Equal(VsockOperation.Reset, Hear().Packet.Operation);
    }

    [Fact]
    public void A_refused_port_and_packets_of_no_connection_are_reset()
    {
        _refuse = true;
        Say(50, VsockOperation.Request, []);
        Assert.Equal(VsockOperation.Reset, Hear().Packet.Operation);
        Say(51, VsockOperation.Data, [1]);
        Assert.Equal((VsockOperation.Reset, 51u), (Hear().Packet.Operation, 51u));
        Assert.Equal(0, _device.Counters.Connections);
    }

    [Fact]
    public void The_257th_connection_is_refused_and_a_reset_of_all_leaves_nothing()
    {
        for (uint port = 0; port < 256; port++)
        {
            _time.Pass(TimeSpan.FromSeconds(1));
            Say(1000 + port, VsockOperation.Request, []);
            Assert.Equal(VsockOperation.Response, Hear().Packet.Operation);
            _held.Add(_nodeEnd!);
        }
        long open = _device.Counters.Connections;
        Say(5000, VsockOperation.Request, []);
        Assert.Equal((256L, 256L), (open, _device.Counters.Connections));
        Assert.Equal(1, _device.Counters.Refused);
        _device.ResetAll();
        Assert.Equal(0, _device.Counters.Connections);
    }

    [Fact]
    public void A_guest_that_dials_without_end_gets_its_burst_and_then_so_many_a_second()
    {
        for (uint port = 0; port < 200; port++)
        {
            Say(1000 + port, VsockOperation.Request, []);
            if (Hear().Packet.Operation != VsockOperation.Response)
                continue;
            Say(1000 + port, VsockOperation.Reset, []);
            _nodeEnd!.Dispose();
        }
        Assert.Equal((AcceptBucket.Burst, 200L - AcceptBucket.Burst), (_device.Counters.Accepted, _device.Counters.Refused));
        _time.Pass(TimeSpan.FromSeconds(2));
        for (uint port = 0; port < 200; port++)
        {
            Say(2000 + port, VsockOperation.Request, []);
            if (Hear().Packet.Operation == VsockOperation.Response)
                _held.Add(_nodeEnd!);
        }
        Assert.Equal(AcceptBucket.Burst + (2 * AcceptBucket.PerSecond), _device.Counters.Accepted);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_random_talk_arrives_whole_and_in_order_and_no_side_sends_more_than_the_other_has_room_for(int seed)
    {
        const int Total = 100_000;
        Random random = new(seed);
        byte[] toNode = new byte[Total], toGuest = new byte[Total];
        random.NextBytes(toNode);
        random.NextBytes(toGuest);
        Connect(50);
        NonBlocking.Set(_nodeEnd!);
        List<byte> atNode = [], atGuest = [];
        int guestSent = 0, nodeSent = 0;
        uint guestTaken = 0, forwarded = 0;
        byte[] buffer = new byte[9000];
        for (int turn = 0; (atNode.Count < Total || atGuest.Count < Total) && turn < 100_000; turn++)
        {
            int room = (int)((64 * 1024) - (guestSent - forwarded));
            int n = Math.Min(Math.Min(random.Next(1, 5000), room), Total - guestSent);
            if (n > 0)
            {
                Say(50, VsockOperation.Data, toNode[guestSent..(guestSent + n)], forwarded: guestTaken);
                guestSent += n;
            }
            if (nodeSent < Total
                && _nodeEnd!.TryWrite(toGuest.AsSpan(nodeSent, Math.Min(random.Next(1, 9000), Total - nodeSent)), out int written) == Errno.None)
                nodeSent += written;
            if (random.Next(2) == 0 && _nodeEnd!.TryRead(buffer, out int read) == Errno.None)
                atNode.AddRange(buffer[..read]);
            while (TryHear(out VsockPacket p, out byte[] data))
            {
                Assert.NotEqual(VsockOperation.Reset, p.Operation);
                forwarded = p.Forwarded;
                atGuest.AddRange(data);
                Assert.True(atGuest.Count - guestTaken <= GuestBuffer, $"seed {seed}: the guest got more than it has room for");
            }
            // The guest takes what it has, and says so now and then.
            if (random.Next(3) == 0 && guestTaken != atGuest.Count)
            {
                guestTaken = (uint)atGuest.Count;
                Say(50, VsockOperation.CreditUpdate, [], forwarded: guestTaken);
            }
            if (random.Next(10) == 0)
                Say(50, VsockOperation.CreditRequest, [], forwarded: guestTaken);
        }
        Assert.True(toNode.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(atNode)), $"seed {seed}: {atNode.Count} bytes at the node");
        Assert.True(toGuest.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(atGuest)), $"seed {seed}: {atGuest.Count} bytes at the guest");
        Say(50, VsockOperation.Shutdown, [], flags: 2, forwarded: guestTaken);
        Assert.Equal(0, _nodeEnd!.Read(buffer));
    }

    [Fact]
    public void Without_receive_buffers_nothing_spins_and_nothing_is_lost()
    {
        Connect(50);
        while (_buffers.Count > 0)
        {
            _nodeEnd!.Write([7]);
            Assert.Equal(VsockOperation.Data, Hear(refill: false).Packet.Operation);
        }
        _nodeEnd!.Write([8]);
        while (_loop.Turn(0))
        {
        }
        Offer(4);
        _device.Notify(0);
        Assert.Equal([8], Hear().Data);
    }

    [Fact]
    public void A_length_beyond_the_chain_is_ignored()
    {
        Connect(50);
        byte[] packet = Packet(50, VsockOperation.Data, 0, 0, 4000);
        _driver.Send(1, Size, [packet, [1, 2, 3]], []);
        _device.Notify(1);
        Assert.Equal(0, _device.Counters.FromGuestBytes);
        Assert.Equal(1, _device.Counters.Connections);
    }

    private static byte[] Packet(uint port, VsockOperation operation, uint flags, uint forwarded, uint length)
    {
        VsockPacket p = new()
        {
            SourceCid = 3,
            TargetCid = 2,
            SourcePort = port,
            TargetPort = 1024,
            Type = 1,
            Operation = operation,
            Flags = flags,
            Length = length,
            BufferSize = GuestBuffer,
            Forwarded = forwarded,
        };
        return MemoryMarshal.AsBytes(new ReadOnlySpan<VsockPacket>(in p)).ToArray();
    }

    private void Connect(uint port)
    {
        Say(port, VsockOperation.Request, []);
        Assert.Equal((VsockOperation.Response, 1L), (Hear().Packet.Operation, _device.Counters.Connections));
    }

    private void Say(uint port, VsockOperation operation, byte[] data, uint flags = 0, uint forwarded = 0)
    {
        byte[] packet = Packet(port, operation, flags, forwarded, (uint)data.Length);
        _driver.Send(1, Size, data.Length > 0 ? [packet, data] : [packet], []);
        _device.Notify(1);
        _ = _driver.TakeUsed(1, Size);
    }

    private void Offer(int count)
    {
        for (int i = 0; i < count; i++)
            _buffers.Enqueue(_driver.Send(0, Size, [], [4096]).Addresses[0]);
    }

    private bool TryHear(out VsockPacket packet, out byte[] data, bool refill = true)
    {
        packet = default;
        data = [];
        List<(uint Head, uint Length)> used = Next();
        for (int i = 0; i < 8 && used.Count == 0; i++)
        {
            _loop.Turn(0);
            used = Next();
        }
        if (used.Count == 0)
            return false;
        int at = (int)_buffers.Dequeue();
        packet = MemoryMarshal.Read<VsockPacket>(_driver.Bytes.AsSpan(at));
        data = _driver.Bytes[(at + 44)..(at + (int)used[0].Length)];
        if (refill)
        {
            Offer(1);
            _device.Notify(0);
        }
        return true;
    }

    private readonly Queue<(uint Head, uint Length)> _used = new();

    private List<(uint Head, uint Length)> Next()
    {
        foreach ((uint, uint) u in _driver.TakeUsed(0, Size))
            _used.Enqueue(u);
        return _used.TryDequeue(out (uint, uint) first) ? [first] : [];
    }

    private (VsockPacket Packet, byte[] Data) Hear(bool refill = true)
    {
        Assert.True(TryHear(out VsockPacket packet, out byte[] data, refill), "the guest heard nothing");
        return (packet, data);
    }

    private byte[] NodeReads(int count)
    {
        byte[] bytes = new byte[count];
        int n = _nodeEnd!.Read(bytes);
        return bytes[..n];
    }
}
