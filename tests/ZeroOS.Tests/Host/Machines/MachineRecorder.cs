using System.Collections.Concurrent;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>What machines tell, in order.</summary>
internal sealed class MachineRecorder : IMachineEvents
{
    private readonly BlockingCollection<string> _said = [];

    public long WantedFrom { get; init; }

    /// <summary>Called before output is noted; may wait, as a disk does.</summary>
    public Action<WorkloadId> OnOutput { get; set; } = _ => { };

    /// <summary>The end that was told last; set before <see cref="Next"/> returns it.</summary>
    public MachineEnd? LastEnd { get; private set; }

    public string Next()
    {
        Assert.True(_said.TryTake(out string? next, 20_000), "nothing happened");
        return next;
    }

    public void Started(WorkloadId machine) => _said.Add($"started {machine}");

    public void Ended(WorkloadId machine, MachineEnd end)
    {
        LastEnd = end;
        _said.Add($"ended {end.Monitor} {end.MonitorSignal} {end.Workload?.Code} {end.Reason}");
    }

    public void Output(WorkloadId machine, long offset, OutputStream stream, ReadOnlySpan<byte> bytes)
    {
        OnOutput(machine);
        _said.Add($"output {offset} {(int)stream} {Encoding.UTF8.GetString(bytes)}");
    }

    public void Health(WorkloadId machine, GuestHealthReport report) => _said.Add($"health {report.State} {report.FailingStreak} {report.Result?.Number}");

    public long OutputWantedFrom(WorkloadId machine) => WantedFrom;
}
