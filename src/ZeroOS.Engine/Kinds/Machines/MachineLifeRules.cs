using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>What a deployment says of a machine's life: when it begins, how often it is started again, and whether the deployment ends with it.</summary>
internal static class MachineLifeRules
{
    /// <summary>Restarts in a row at most, where they are counted.</summary>
    public const int MaxRestarts = 1000;

    /// <summary>Checks one machine; <paramref name="path"/> is its data's place.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the path of the fault.</exception>
    public static void Check(string path, ZmachineData data, IEnumerable<Workload> workloads)
    {
        if (data.MaxRestarts is < 1 or > MaxRestarts)
            throw Refuse.Invalid($"{path}.maxRestarts", $"a machine is started again 1 to {MaxRestarts} times in a row; leave it out for no end");
        if (data.MaxRestarts is not null && data.Restart != RestartPolicy.OnFailure)
            throw Refuse.Invalid($"{path}.maxRestarts", "restarts are counted with restart: on-failure only");
        if (data.Remove == RemovePolicy.OnExit && workloads.OfType<ZmachineWorkload>().Count() > 1)
            throw Refuse.Invalid($"{path}.remove", "a deployment that goes with its machine has no other machine");
    }

    /// <summary>It was made to be started later, and never was: it has no port of the node yet.</summary>
    public static bool Waits(ZmachineData data, WorkloadRow row) => data.Run == false && row is { Stopped: true, Starts: 0, Live: false };

    /// <summary>It is at rest, and its deployment goes with it. One that failed for good is kept for who looks why.</summary>
    public static bool IsOver(ZmachineData data, WorkloadRow row) => data.Remove == RemovePolicy.OnExit && !row.Live
        && (row.State == WorkloadState.Exited || (row is { State: WorkloadState.Stopped, Stopped: true } && !Waits(data, row)));
}
