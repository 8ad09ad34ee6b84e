using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Node.Update;
using ZeroOS.Tests.Engine;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Node.Update;

/// <summary>Finding 18b: whoever made a machine of his fail after the restart sent every version back, security updates included.</summary>
public sealed class MachineHealthTests : IDisposable
{
    private readonly EngineBench _bench = new();
    private readonly IReadOnlyList<ExpectedMachine> _expected;
    private readonly WorkloadId _web;

    public MachineHealthTests()
    {
        _bench.Grant(EngineBench.Alice);
        _bench.Apply(EngineBench.Shop());
        _bench.Settle();
        _web = _bench.Id("web");
        _bench.World.Report(_web);
        _bench.Settle();
        _expected = _bench.Store.RunningMachines();
        Assert.Equal([new ExpectedMachine(EngineBench.Alice, "shop", "web", 1)], _expected);
        Assert.True(Examine().IsWell);
    }

    public static TheoryData<MonitorExit?, int?, int?> EndsOfAGuest { get; } = new()
    {
        { MonitorExit.PoweredOff, null, 1 },
        { MonitorExit.GuestPanic, null, null },
        { MonitorExit.TripleFault, null, null },
        { MonitorExit.Reset, null, null },
        { MonitorExit.KvmError, null, null },
        { MonitorExit.MonitorFault, null, null },
        { null, 31, null },
        { null, 9, null },
    };

    public void Dispose() => _bench.Dispose();

    [Theory]
    [MemberData(nameof(EndsOfAGuest))]
    public void A_machine_that_its_tenant_can_make_fail_sends_no_version_back(MonitorExit? exit, int? signal, int? code)
    {
        for (int i = 0; i < 4; i++)
        {
            End(new MachineEnd { Monitor = exit, MonitorSignal = signal, Workload = code is { } c ? new GuestExited { Code = c } : null, Reason = "it ended" });
            Assert.NotEqual(WorkloadState.Running, _bench.Status("web").State);
            Assert.True(Examine().IsWell, Examine().Message);
        }
    }

    [Fact]
    public void A_machine_whose_set_up_fails_for_what_is_in_it_sends_no_version_back()
    {
        End(new MachineEnd
        {
            Monitor = MonitorExit.PoweredOff,
            Failure = new GuestFailure { Stage = "mount", Message = "no such file system", Code = 125 },
            Reason = "set-up failed",
        });
        Assert.Equal("setup-failed", _bench.Status("web").Reason);
        Assert.True(Examine().IsWell);
    }

    [Fact]
    public void A_machine_that_ends_before_anything_of_its_tenant_ran_is_the_nodes_fault()
    {
        End(new MachineEnd { Monitor = MonitorExit.KvmError, NotBooted = true, Reason = "the host's KVM could not go on" });
        Assert.Equal("not-booted", _bench.Status("web").Reason);
        HealthFinding finding = Examine();
        Assert.Equal("machines", finding.Reason);
        Assert.DoesNotContain("web", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_that_cannot_be_started_is_the_nodes_fault_and_heals()
    {
        _bench.World.NoMonitorStarts = true;
        End(new MachineEnd { Monitor = MonitorExit.PoweredOff, Workload = new GuestExited { Code = 1 }, Reason = "it ended" });
        _bench.Time.Advance(TimeSpan.FromMinutes(2));
        _bench.Settle();
        Assert.Equal("machines", Examine().Reason);
        _bench.World.NoMonitorStarts = false;
        _bench.Time.Advance(TimeSpan.FromMinutes(2));
        _bench.Settle();
        _bench.World.Report(_web);
        _bench.Settle();
        Assert.True(Examine().IsWell, Examine().Message);
    }

    [Fact]
    public void A_deployment_that_was_changed_since_or_is_new_sends_no_version_back()
    {
        _bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { Memory = new ByteSize(128L << 20) }));
        _bench.Settle();
        End(new MachineEnd { Monitor = MonitorExit.KvmError, NotBooted = true, Reason = "no" });
        _bench.Apply(EngineBench.Shop(1, "other", 30000));
        _bench.Settle();
        _bench.World.End(_bench.Id("web", "other"), new MachineEnd { Monitor = MonitorExit.KvmError, NotBooted = true, Reason = "no" });
        _bench.Settle();
        Assert.True(Examine().IsWell, Examine().Message);
    }

    private void End(MachineEnd end)
    {
        _bench.Time.Advance(TimeSpan.FromMinutes(2));
        _bench.Settle();
        _bench.World.End(_web, end);
        _bench.Settle();
    }

    private HealthFinding Examine() => MachineHealth.Examine(_bench.Store, _expected);
}
