using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Init;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>Whatever guests and monitors do, and however many there are, the node has the same threads, and others are served.</summary>
[Collection(AloneCollection.Name)]
public sealed class MachineFloodTests : IDisposable
{
    private static readonly WorkloadId s_other = new("tenant", "shop", "other");
    private readonly MachineHarness _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void A_guest_that_dials_without_end_costs_no_thread_and_zguest_is_heard()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = monitor.Dial();
        zguest.TakeSpec(out _);
        ProcessCounts before = ProcessCounts.Now;
        int most = 0;
        for (int i = 0; i < 3_000; i++)
        {
            using FakeGuest attacker = monitor.Dial();
            attacker.Hello(new byte[GuestProtocol.SecretBytes]);
            for (int frame = 0; frame < 8; frame++)
                attacker.Log(frame, 1, "x");
            if (i % 100 == 0)
                most = Math.Max(most, ProcessCounts.Now.Threads);
        }
        zguest.Log(0, 1, "mine");
        Assert.Equal("output 0 1 mine", _node.Events.Next());
        Assert.InRange(most, 0, before.Threads + 12);
        before.AssertReturns();
    }

    [Fact]
    public void A_thousand_machines_are_adopted_and_served_by_the_same_threads()
    {
        const int Machines = 1024;
        ProcessCounts before = ProcessCounts.Now;
        List<(SeqPacketSocket Control, FileDescriptor Serial, SeqPacketSocket Chunks)> monitors = [];
        HandedOver left = Left(Machines, monitors, out List<byte[]> secrets);
        CountedEvents events = new();
        MachineHost machines = _node.Make(_node.Connection, left);
        machines.Events = events;
        Assert.Equal(Machines, machines.Running.Count);
        List<FakeGuest> guests = [];
        for (int i = 0; i < Machines; i++)
        {
            guests.Add(FakeMonitor.Dial(monitors[i].Control));
            guests[i].Hello(secrets[i], running: true);
        }
        for (int i = 0; i < Machines; i++)
        {
            guests[i].Expect(GuestFrameType.LogsFrom);
            guests[i].Log(0, 1, "here");
        }
        events.Wait(started: Machines, outputBytes: 4 * Machines);
        before.AssertReturns(moreDescriptors: 9 * Machines);

        machines.Dispose();
        guests.ForEach(g => g.Dispose());
        foreach ((SeqPacketSocket control, FileDescriptor serial, SeqPacketSocket chunks) in monitors)
        {
            control.Dispose();
            serial.Dispose();
            chunks.Dispose();
        }
    }

    [Theory]
    [InlineData("file")]
    [InlineData("pipe")]
    [InlineData("seqpacket")]
    [InlineData("event")]
    [InlineData("directory")]
    public void A_descriptor_that_is_no_stream_socket_ends_its_monitor_and_nobody_else(string kind)
    {
        FakeMonitor evil = _node.Start(), honest = _node.Start(s_other);
        using FakeGuest zguest = honest.Dial();
        zguest.TakeSpec(out _);
        using (FileDescriptor descriptor = DescriptorKinds.Make(kind))
            evil.Say(new MonitorMessage { Verb = MonitorVerb.VsockAccepted, Port = GuestProtocol.Port }, descriptor.Number);
        Assert.True(_node.Jailer.Killed.TryTake(out (int Pid, int Signal) killed, 20_000));
        Assert.Equal((evil.Pid, 9), killed);
        zguest.Log(0, 1, "here");
        Assert.Equal("output 0 1 here", _node.Events.Next());
    }

    [Fact]
    public void A_connection_that_its_monitor_makes_blocking_holds_nobody_up()
    {
        FakeMonitor evil = _node.Start(), honest = _node.Start(s_other);
        (StreamSocket ours, StreamSocket theirs) = StreamSocket.Pair();
        using (ours)
        using (theirs)
        {
            evil.Say(new MonitorMessage { Verb = MonitorVerb.VsockAccepted, Port = GuestProtocol.Port }, theirs.Descriptor.Number);
            // Half a hello, and whoever waits for the rest waits for ever.
            Assert.Equal(Errno.None, ours.TrySendAll(GuestFrameBuffer.Frame(GuestFrameType.Hello, 0, "{"u8).AsSpan(0, 5)));
            theirs.Descriptor.SetNonBlocking(false);
            using FakeGuest zguest = honest.Dial();
            zguest.TakeSpec(out _);
            zguest.Log(0, 1, "here");
            Assert.Equal("output 0 1 here", _node.Events.Next());
        }
    }

    [Fact]
    public void A_disk_that_is_slow_stops_the_guest_that_writes_and_nobody_else()
    {
        using ManualResetEventSlim disk = new();
        _node.Events.OnOutput = machine =>
        {
            if (machine != s_other)
                disk.Wait();
        };
        FakeMonitor flooding = _node.Start(), honest = _node.Start(s_other);
        using FakeGuest flood = flooding.Dial(), zguest = honest.Dial();
        flood.TakeSpec(out _);
        zguest.TakeSpec(out _);
        byte[] frame = new byte[sizeof(long) + GuestProtocol.MaxOutput];
        long sent = 0;
        while (flood.TrySend(GuestFrameType.Log, 1, frame, sent) is var taken && taken > 0)
        {
            sent += taken;
            Assert.InRange(sent, 0, 8 << 20);
        }
        zguest.Log(0, 1, "here");
        Assert.Equal("output 0 1 here", _node.Events.Next());

        disk.Set();
        long heard = 0;
        while (heard < sent)
            heard += _node.Events.Next().Split(' ', 4)[3].Length;
        Assert.Equal(sent, heard);
    }

    [Fact]
    public void Pid_1_that_does_not_answer_holds_no_machine_up()
    {
        (SeqPacketSocket node, SeqPacketSocket silentInit) = SeqPacketSocket.Pair();
        using InitConnection silent = new(node);
        silent.Listen();
        List<(SeqPacketSocket Control, FileDescriptor Serial, SeqPacketSocket Chunks)> monitors = [];
        HandedOver left = Left(2, monitors, out List<byte[]> secrets);
        using (MachineHost machines = _node.Make(silent, left))
        {
            CountedEvents events = new();
            machines.Events = events;
            Assert.Equal(Errno.None, monitors[0].Control.TrySend("nonsense"u8));
            byte[] asked = new byte[SeqPacketSocket.MaxMessage];
            Assert.Equal(Errno.None, silentInit.TryReceive(asked, out int length, out _));
            Assert.Contains("\"Kill\"", Encoding.UTF8.GetString(asked, 0, length), StringComparison.OrdinalIgnoreCase);

            using FakeGuest zguest = FakeMonitor.Dial(monitors[1].Control);
            zguest.Return(secrets[1], running: true);
            zguest.Log(0, 1, "here");
            events.Wait(started: 1, outputBytes: 4);
            silentInit.Dispose();
        }
    }

    // What a former node left at PID 1, and the other ends of it.
    private static HandedOver Left(int count, List<(SeqPacketSocket Control, FileDescriptor Serial, SeqPacketSocket Chunks)> monitors, out List<byte[]> secrets)
    {
        List<HeldProcess> processes = [];
        Dictionary<string, FileDescriptor[]> kept = [];
        secrets = [];
        for (int i = 0; i < count; i++)
        {
            (SeqPacketSocket control, SeqPacketSocket monitorControl) = SeqPacketSocket.Pair();
            (SeqPacketSocket chunks, SeqPacketSocket monitorChunks) = SeqPacketSocket.Pair();
            (FileDescriptor serial, FileDescriptor monitorSerial) = Pipe.NonBlocking();
            using MachineRecord record = MachineRecord.Create(new WorkloadId("tenant", "shop", $"m{i}"), MachineHarness.Spec, 1L << 40, 1L << 40);
            secrets.Add(record.Secret.ToArray());
            processes.Add(new HeldProcess($"vm-{i}", JailedProgram.Monitor, 100_000 + i, null, null));
            kept[$"vm-{i}"] = [record.File.Duplicate(), control.Descriptor, serial, chunks.Descriptor];
            monitors.Add((monitorControl, monitorSerial, monitorChunks));
        }
        return new HandedOver(processes, kept);
    }

    private sealed class CountedEvents : IMachineEvents
    {
        private int _started;
        private long _output;

        public void Wait(int started, long outputBytes) => Assert.True(
            SpinWait.SpinUntil(() => Volatile.Read(ref _started) >= started && Volatile.Read(ref _output) >= outputBytes, TimeSpan.FromSeconds(60)),
            $"{_started} started, {_output} bytes");

        public void Started(WorkloadId machine) => Interlocked.Increment(ref _started);

        public void Ended(WorkloadId machine, MachineEnd end)
        {
        }

        public void Output(WorkloadId machine, long offset, OutputStream stream, ReadOnlySpan<byte> bytes) => Interlocked.Add(ref _output, bytes.Length);

        public void Health(WorkloadId machine, GuestHealthReport report)
        {
        }

        public long OutputWantedFrom(WorkloadId machine) => 0;
    }
}
