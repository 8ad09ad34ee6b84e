using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    /// <summary>Keeps a run that is over, and forgets the oldest beyond <see cref="MachineRun.Kept"/>. It goes with its machine.</summary>
    internal void AddRun(WorkloadId machine, MachineRun run) => Write(() =>
    {
        Execute("INSERT OR REPLACE INTO runs VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)", machine.Tenant, machine.Deployment, machine.Name, run.Number,
            run.StartedAt?.ToUnixTimeMilliseconds(), run.EndedAt?.ToUnixTimeMilliseconds(), run.ExitCode, run.Signal, run.Reason, run.OutOfMemory ? 1 : 0);
        Execute("DELETE FROM runs WHERE tenant=$1 AND deployment=$2 AND machine=$3 AND number<=$4", machine.Tenant, machine.Deployment, machine.Name,
            run.Number - MachineRun.Kept);
    });

    /// <summary>The runs of a deployment's machines that are over and kept, the newest first.</summary>
    internal ILookup<string, MachineRun> Runs(string tenant, string deployment) => Read(() => Query(
        "SELECT machine,number,started_at,ended_at,exit_code,signal,reason,out_of_memory FROM runs WHERE tenant=$1 AND deployment=$2 ORDER BY number DESC",
        r => (Machine: r.GetString(0), Run: new MachineRun
        {
            Number = r.GetInt32(1),
            StartedAt = Moment(r, 2),
            EndedAt = Moment(r, 3),
            ExitCode = r.IsDBNull(4) ? null : r.GetInt32(4),
            Signal = r.IsDBNull(5) ? null : r.GetInt32(5),
            Reason = r.GetString(6),
            OutOfMemory = r.GetInt64(7) != 0,
        }),
        tenant, deployment)).ToLookup(r => r.Machine, r => r.Run, StringComparer.Ordinal);
}
