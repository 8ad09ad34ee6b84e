using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Machines;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>What a guest says of its workload's health, between the node and a guest that the test plays.</summary>
public sealed class GuestHealthTests : IDisposable
{
    private static readonly GuestSpec s_spec = MachineHarness.Spec with
    {
        Health = new GuestHealth { Arguments = ["check"], IntervalMs = 1_000, TimeoutMs = 1_000, Retries = 3, StartPeriodMs = 0, StartIntervalMs = 1_000 },
    };

    private readonly MachineHarness _node = new();

    public void Dispose() => _node.Dispose();

    [Fact]
    public void Guest_with_a_check_is_asked_for_its_health_on_each_connection_and_heard()
    {
        FakeMonitor monitor = _node.Start(spec: s_spec);
        byte[] secret;
        using (FakeGuest zguest = monitor.Dial())
        {
            secret = zguest.TakeSpec(out GuestSpec spec);
            Assert.Equal("check", Assert.Single(spec.Health!.Arguments!));
            zguest.Expect(GuestFrameType.HealthWanted);
            zguest.Send(GuestFrameType.Started, 0, """{"bootUs":9}""");
            zguest.Send(GuestFrameType.Health, 0, """{"state":"starting"}""");
            Assert.StartsWith("started", _node.Events.Next(), StringComparison.Ordinal);
            Assert.Equal("health Starting 0 ", _node.Events.Next());
        }
        using FakeGuest again = monitor.Dial();
        again.Return(secret, running: true);
        again.Expect(GuestFrameType.HealthWanted);
        again.Send(GuestFrameType.Health, 0, Result("healthy", 7));
        Assert.Equal("health Healthy 0 7", _node.Events.Next());
    }

    [Fact]
    public void Guest_without_a_check_is_not_asked_and_not_heard()
    {
        FakeMonitor monitor = _node.Start();
        using FakeGuest zguest = monitor.Dial();
        zguest.TakeSpec(out _);
        zguest.Send(GuestFrameType.Health, 0, Result("healthy", 1));
        Assert.Equal([], zguest.ReadToEnd());
    }

    [Fact]
    public void More_reports_than_there_are_probes_end_the_connection()
    {
        FakeMonitor monitor = _node.Start(spec: s_spec);
        using FakeGuest zguest = monitor.Dial();
        zguest.TakeSpec(out _);
        zguest.Expect(GuestFrameType.HealthWanted);
        for (int i = 1; i <= 10_000; i++)
            zguest.Send(GuestFrameType.Health, 0, Result("healthy", i));
        Assert.Equal([], zguest.ReadToEnd());
        for (int i = 1; i <= GuestPlace.HealthBurst; i++)
            Assert.Equal($"health Healthy 0 {i}", _node.Events.Next());
    }

    private static string Result(string state, long number) =>
        $$$"""{"state":"{{{state}}}","result":{"number":{{{number}}},"startMs":1,"endMs":2,"exitCode":0,"output":"b2s="}}""";
}
