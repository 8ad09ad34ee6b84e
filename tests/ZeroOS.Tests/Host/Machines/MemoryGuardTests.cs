using System.Collections.Concurrent;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Machines;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>A node that runs short of memory, as its monitors and PID 1 notice it; a turn is ten milliseconds.</summary>
public sealed class MemoryGuardTests : IDisposable
{
    private const long MiB = 1 << 20, GiB = 1 << 30;
    private readonly ConcurrentDictionary<int, long> _resident = new();
    private readonly MachineHarness _node;
    private readonly MemoryPressure _marks = new(4 * GiB);
    private long _available = 2 * GiB;
    private volatile bool _broken;

    public MemoryGuardTests() => _node = new MachineHarness(memory: new MemoryReadings(() => 4 * GiB, Available, pid => _resident.GetValueOrDefault(pid), 10));

    public void Dispose() => _node.Dispose();

    [Fact]
    public void A_machine_over_its_reservation_is_squeezed_and_let_go_when_there_is_room_again()
    {
        FakeMonitor over = _node.Start(reserved: 64 * MiB);
        _resident[over.Pid] = 200 * MiB;
        Volatile.Write(ref _available, _marks.Low / 2);
        long asked = Balloon(over);
        Assert.InRange(asked, 2 * MiB, 192 * MiB);
        Volatile.Write(ref _available, 2 * GiB);
        for (long balloon = asked; balloon > 0;)
        {
            long next = Balloon(over);
            Assert.InRange(next, 0, balloon - 1);
            balloon = next;
        }
    }

    [Fact]
    public void When_want_lasts_the_machine_most_over_is_killed_and_its_end_says_why()
    {
        FakeMonitor most = _node.Start(reserved: 64 * MiB), less = _node.Start(MachineHarness.Id with { Name = "less" }, 64 * MiB);
        _resident[most.Pid] = 300 * MiB;
        _resident[less.Pid] = 150 * MiB;
        Volatile.Write(ref _available, 1);
        Assert.True(_node.Jailer.Killed.TryTake(out (int Pid, int Signal) killed, 20_000));
        Assert.Equal((most.Pid, 9), killed);
        Volatile.Write(ref _available, 2 * GiB);
        _resident.TryRemove(most.Pid, out _);
        most.End(new ProcessExit(most.Pid, 0, 9));
        Assert.StartsWith("ended  9 ", _node.Events.Next(), StringComparison.Ordinal);
        Assert.True(_node.Events.LastEnd!.MemoryPressure);
        Assert.Equal([MachineHarness.Id with { Name = "less" }], _node.Machines.Running);
    }

    [Fact]
    public void A_kernel_that_does_not_say_and_a_look_that_fails_harm_nobody_and_looking_goes_on()
    {
        FakeMonitor monitor = _node.Start(reserved: 64 * MiB);
        _resident[monitor.Pid] = 300 * MiB;
        Volatile.Write(ref _available, 0);
        _broken = true;
        Assert.True(SpinWait.SpinUntil(() => !_broken, TimeSpan.FromSeconds(20)));
        Assert.Empty(_node.Jailer.Killed);
        Volatile.Write(ref _available, _marks.Low / 2);
        Assert.InRange(Balloon(monitor), 2 * MiB, 256 * MiB);
    }

    private static long Balloon(FakeMonitor monitor)
    {
        MonitorMessage heard = monitor.Hear();
        Assert.Equal(MonitorVerb.SetBalloon, heard.Verb);
        return heard.BalloonBytes!.Value;
    }

    private long Available()
    {
        if (_broken)
        {
            _broken = false;
            throw new IOException("no meminfo");
        }
        return Volatile.Read(ref _available);
    }
}
