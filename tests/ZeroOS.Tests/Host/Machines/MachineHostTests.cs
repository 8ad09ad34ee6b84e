using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>Machines against PID 1's real spawn service; the test plays the monitor and the guest on the descriptors a monitor is handed.</summary>
public sealed class MachineHostTests : IDisposable
{
    private readonly MachineHarness _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void A_monitor_is_told_exactly_the_descriptors_it_is_handed()
    {
        FakeMonitor monitor = _node.Start();
        VmConfig config = monitor.Config;

        Assert.Equal(["10"], monitor.Request.Arguments!);
        Assert.True(monitor.Request.MemoryBytes > (256 << 20));
        Assert.Equal("vmlinux", monitor.Text(config.KernelDescriptor));
        Assert.Equal("initramfs", monitor.Text(config.InitrdDescriptor));
        Assert.Equal("kvm", monitor.Text(config.KvmDescriptor));
        Assert.Equal(config.SerialDescriptor - 10, monitor.Request.Output);
        Assert.Equal(["device", "index", "verified"],
            new[] { config.Disks[0].Descriptor, config.Disks[0].IndexDescriptor, config.Disks[0].VerifiedDescriptor }.Select(monitor.Text));
        Assert.Equal("disk", monitor.Text(config.Disks[1].Descriptor));
        Assert.Equal("tap", monitor.Text(config.Nics[0].TapDescriptor));
        Assert.True(Encoding.UTF8.GetByteCount(config.CommandLine) < 2048);
        Assert.Equal([MachineHarness.Id], _node.Machines.Running);
        Assert.NotNull(_node.Image.Served);
    }

    [Fact]
    public void A_guest_gets_its_spec_says_its_part_and_its_end_is_told_once()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest guest = monitor.Dial();
        guest.TakeSpec(out GuestSpec spec);
        Assert.Equal(("web", 0), (spec.Hostname, guest.LogsFrom));
        guest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.Equal("started shop/web", _node.Events.Next());
        guest.Log(0, 1, "hello");
        Assert.Equal("output 0 1 hello", _node.Events.Next());
        guest.Send(GuestFrameType.Exited, 0, """{"code":3}""");
        guest.Expect(GuestFrameType.Acknowledge);

        // The last words before the monitor's death count, even when the death is known first.
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        Assert.True(SpinWait.SpinUntil(() => _node.Machines.Ending.Count == 1, TimeSpan.FromSeconds(30)));
        guest.Log(5, 2, "bye");
        guest.Dispose();

        Assert.Equal("output 5 2 bye", _node.Events.Next());
        Assert.Equal("ended PoweredOff  3 the workload exited with code 3", _node.Events.Next());
        Assert.False(_node.Events.LastEnd!.NotBooted);
        Assert.Empty(_node.Machines.Running);
        Assert.Equal("already-running", Assert.Throws<WorkloadException>(() => _node.Start()).Reason);
        _node.Machines.Acknowledge(MachineHarness.Id);
        Assert.Empty(_node.Connection.HandOver().Processes);
        Assert.Empty(_node.Connection.HandOver().Kept);
        _node.Start();
    }

    [Fact]
    public void A_guest_that_never_came_up_is_explained_by_its_serial_port_and_its_monitors_last_words()
    {
        FakeMonitor monitor = _node.Start();
        monitor.Serial("Kernel panic - not syncing: no init\r\n");
        monitor.Say(new MonitorMessage { Verb = MonitorVerb.State, State = MachineState.Ended, Reason = "panic\u001b" });
        monitor.End(new ProcessExit(monitor.Pid, (int)MonitorExit.GuestPanic, 0));
        Assert.Equal("ended GuestPanic   the guest kernel panicked: panic?; it last said: Kernel panic - not syncing: no init", _node.Events.Next());
        Assert.True(_node.Events.LastEnd!.NotBooted);
    }

    [Fact]
    public void A_killed_monitor_is_an_end_like_any_other()
    {
        FakeMonitor monitor = _node.Start();
        monitor.End(new ProcessExit(monitor.Pid, 0, 9));
        Assert.Equal("ended  9  the machine was killed, or the host was short of memory", _node.Events.Next());
    }

    [Fact]
    public void Stop_asks_a_guest_that_is_there_and_one_that_comes_later()
    {
        FakeMonitor monitor = _node.Start();
        _node.Machines.Stop(MachineHarness.Id, new GuestStop { GraceMs = 60_000, Signal = "SIGQUIT" });
        using FakeGuest guest = monitor.Dial();
        guest.TakeSpec(out _);
        Assert.Equal("SIGQUIT", JsonSerializer.Deserialize(guest.Expect(GuestFrameType.Stop), GuestJson.Default.GuestStop)!.Signal);
        _node.Machines.Stop(MachineHarness.Id, new GuestStop { GraceMs = 1 });
        guest.Expect(GuestFrameType.Stop);
    }

    [Fact]
    public async Task A_signal_goes_to_a_guest_whose_workload_runs_and_nowhere_else()
    {
        await Refused();
        FakeMonitor monitor = _node.Start();
        await Refused();
        using FakeGuest guest = monitor.Dial();
        byte[] secret = guest.TakeSpec(out _);
        await Refused();        // set up, and nothing started
        guest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.Equal("started shop/web", _node.Events.Next());
        await _node.Machines.SignalAsync(MachineHarness.Id, 10, default);
        Assert.Equal(10, BitConverter.ToInt32(guest.Expect(GuestFrameType.Signal)));

        // A guest that dials again is the same workload.
        using FakeGuest again = monitor.Dial();
        again.Return(secret, running: true);
        await _node.Machines.SignalAsync(MachineHarness.Id, 64, default);
        Assert.Equal(64, BitConverter.ToInt32(again.Expect(GuestFrameType.Signal)));
        again.Send(GuestFrameType.Exited, 0, """{"code":3}""");
        again.Expect(GuestFrameType.Acknowledge);
        await Refused();

        async Task Refused() => Assert.Equal("not-running",
            (await Assert.ThrowsAsync<WorkloadException>(() => _node.Machines.SignalAsync(MachineHarness.Id, 10, default))).Reason);
    }

    [Fact]
    public async Task What_a_machine_uses_is_asked_of_its_monitor_once_for_all_who_want_to_know()
    {
        FakeMonitor monitor = _node.Start();
        Task<MachineUse>[] asked = [.. Enumerable.Range(0, 100).Select(_ => _node.Machines.UseAsync(MachineHarness.Id, default))];
        Assert.Equal(MonitorVerb.GetStatistics, monitor.Hear().Verb);
        monitor.Say(new MonitorMessage
        {
            Verb = MonitorVerb.Statistics,
            Counters = new Dictionary<string, long>
            {
                ["vda.bytesRead"] = 10,
                ["vdb.bytesRead"] = 5,
                ["vsock.bytesRead"] = 1000,
                ["vdb.bytesWritten"] = long.MaxValue,
                ["vdc.bytesWritten"] = 1,
                ["eth0.rxBytes"] = 7,
                ["eth1.rxBytes"] = -7,
                ["eth0.txBytes"] = 3,
                ["balloon.guest.total"] = 200 << 20,
                ["balloon.guest.available"] = 150 << 20,
            },
        });
        MachineUse use = (await Task.WhenAll(asked)).Distinct().Single();
        Assert.Equal(new MachineUse(use.CpuNanoseconds, use.HeldBytes, 256 << 20, 50 << 20, 7, 3, 15, long.MaxValue), use);
        Assert.Equal(use, await _node.Machines.UseAsync(MachineHarness.Id, default));
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        _node.Events.Next();
        Assert.Equal("not-running", (await Assert.ThrowsAsync<WorkloadException>(() => _node.Machines.UseAsync(MachineHarness.Id, default))).Reason);
    }

    [Fact]
    public async Task A_monitor_that_does_not_say_what_its_machine_uses_keeps_nobody_waiting()
    {
        FakeMonitor monitor = _node.Start();
        monitor.Say(new MonitorMessage { Verb = MonitorVerb.Statistics, Counters = new Dictionary<string, long> { ["eth0.rxBytes"] = 1 } });     // unasked
        using FakeGuest guest = monitor.Dial();
        guest.TakeSpec(out _);      // and read
        MachineUse use = await _node.Machines.UseAsync(MachineHarness.Id, default).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(new MachineUse(use.CpuNanoseconds, use.HeldBytes, 256 << 20, null, null, null, null, null), use);

        long answered = Environment.TickCount64;
        Assert.True(SpinWait.SpinUntil(() => Environment.TickCount64 > answered + MachineMeter.FreshMs, TimeSpan.FromSeconds(30)));
        Task<MachineUse> waits = _node.Machines.UseAsync(MachineHarness.Id, default);
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        Assert.Equal("not-running", (await Assert.ThrowsAsync<WorkloadException>(() => waits)).Reason);
    }

    [Fact]
    public async Task A_guest_says_what_its_workload_uses_once_it_runs_and_is_not_asked_again_before_it_has_answered()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest guest = monitor.Dial();
        guest.TakeSpec(out _);
        guest.Send(GuestFrameType.Started, 0, """{"bootUs":5}""");
        Assert.Equal("started shop/web", _node.Events.Next());
        Task<MachineUse> asked = _node.Machines.UseAsync(MachineHarness.Id, default);
        guest.Expect(GuestFrameType.UseWanted);
        Assert.Equal(MonitorVerb.GetStatistics, monitor.Hear().Verb);
        monitor.Say(Statistics);
        guest.Send(GuestFrameType.Use, 0, """{"pids":3,"pidsLimit":100,"cpuPressurePer10000":7}""");
        MachineUse use = await asked;
        Assert.Equal(new GuestUse { Pids = 3, PidsLimit = 100, CpuPressurePer10000 = 7 }, use.Inside);
        Assert.Equal(1, use.ReceivedBytes);

        // One that keeps its answer to itself: what its monitor says is told, and the next time it is not asked.
        WaitUntilOld();
        asked = _node.Machines.UseAsync(MachineHarness.Id, default);
        guest.Expect(GuestFrameType.UseWanted);
        Assert.Equal(MonitorVerb.GetStatistics, monitor.Hear().Verb);
        monitor.Say(Statistics);
        use = await asked;
        Assert.Null(use.Inside);
        Assert.Equal(1, use.ReceivedBytes);
        WaitUntilOld();
        asked = _node.Machines.UseAsync(MachineHarness.Id, default);
        Assert.Equal(MonitorVerb.GetStatistics, monitor.Hear().Verb);
        monitor.Say(Statistics);
        Assert.Null((await asked).Inside);
        await _node.Machines.SignalAsync(MachineHarness.Id, 10, default);
        guest.Expect(GuestFrameType.Signal);

        // Its late answer is its last; the next was not asked for.
        guest.Send(GuestFrameType.Use, 0, "{}");
        guest.Send(GuestFrameType.Use, 0, "{}");
        Assert.True(guest.IsClosedByNode());

        static void WaitUntilOld()
        {
            long answered = Environment.TickCount64;
            Assert.True(SpinWait.SpinUntil(() => Environment.TickCount64 > answered + MachineMeter.FreshMs, TimeSpan.FromSeconds(30)));
        }
    }

    private static MonitorMessage Statistics =>
        new() { Verb = MonitorVerb.Statistics, Counters = new Dictionary<string, long> { ["eth0.rxBytes"] = 1 } };

    [Theory]
    [InlineData("{")]
    [InlineData("""{"verb":"Hello"}""")]
    [InlineData("""{"verb":"State","more":1}""")]
    public void A_monitor_that_breaks_the_protocol_is_killed(string message)
    {
        FakeMonitor monitor = _node.Start();
        Assert.Equal(Errno.None, monitor.Control.TrySend(Encoding.UTF8.GetBytes(message)));
        Assert.True(_node.Jailer.Killed.TryTake(out (int Pid, int Signal) killed, 20_000));
        Assert.Equal((monitor.Pid, 9), killed);
    }

    [Fact]
    public void A_connection_to_another_port_is_closed()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest guest = monitor.Dial(port: 22);
        Assert.True(guest.IsClosedByNode());
    }

    [Fact]
    public void A_later_node_goes_on_with_the_machine()
    {
        FakeMonitor monitor = _node.Start();
        byte[] secret;
        using (FakeGuest guest = monitor.Dial())
        {
            secret = guest.TakeSpec(out _);
            _node.Machines.Dispose();
            _node.Connection.Dispose();
        }

        using InitConnection later = _node.Init.Connect();
        _node.Machines = _node.Make(later);
        Assert.Equal([MachineHarness.Id], _node.Machines.Running);
        MachineRecorder events = new() { WantedFrom = 5 };
        _node.Machines.Events = events;

        Assert.Equal(MonitorVerb.Hello, monitor.Hear().Verb);
        using FakeGuest again = monitor.Dial();
        again.Return(secret, running: true);
        Assert.Equal(5, again.LogsFrom);
        Assert.Equal("started shop/web", events.Next());
        FakeImage image = new();
        _node.Machines.ServeImage(MachineHarness.Id, image);
        _node.Machines.ServeImage(MachineHarness.Id, image);
        Assert.Equal(Errno.None, image.Served!.TrySend("served"u8));
        byte[] heard = new byte[16];
        Assert.Equal(Errno.None, monitor.Chunks.TryReceive(heard, out int length, out _));
        Assert.Equal("served"u8, heard.AsSpan(0, length));
        Assert.Equal(1, image.Times);
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));
        again.Dispose();
        Assert.Equal("ended PoweredOff   the guest powered off", events.Next());
    }

    [Fact]
    public void A_machine_that_ended_while_no_node_was_there_is_told_to_the_next()
    {
        FakeMonitor monitor = _node.Start();
        using (FakeGuest guest = monitor.Dial())
        {
            guest.TakeSpec(out _);
            guest.Send(GuestFrameType.Exited, 0, """{"code":9}""");
            guest.Expect(GuestFrameType.Acknowledge);
            _node.Machines.Dispose();
            _node.Connection.Dispose();
        }
        monitor.End(new ProcessExit(monitor.Pid, 0, 0));

        for (int node = 0; node < 2; node++)
        {
            using InitConnection later = _node.Init.Connect();
            HandedOver left = later.HandOver();
            while (left.Processes.Any(p => !p.HasEnded))
                left = later.HandOver();
            _node.Machines = _node.Make(later, left);
            Assert.Empty(_node.Machines.Running);
            MachineRecorder events = new();
            _node.Machines.Events = events;
            Assert.Equal("ended PoweredOff  9 the workload exited with code 9", events.Next());
            _node.Machines.Dispose();
        }
    }

    [Fact]
    public void What_a_former_node_kept_but_never_started_is_dropped()
    {
        using FileDescriptor file = FileDescriptor.Memory("x");
        _node.Connection.Keep("vm-0123456789abcdef", [file]);
        _node.Connection.Keep("other", [file]);
        using MachineHost machines = _node.Make(_node.Connection);
        Assert.Equal(["other"], _node.Connection.HandOver().Kept.Keys);
    }
}
