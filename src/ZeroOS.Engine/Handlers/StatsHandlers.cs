using System.Diagnostics;
using System.Runtime.CompilerServices;

using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.machine.stats: what a tenant's machines use.</summary>
public sealed class StatsHandlers
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    private readonly EngineParts _parts;
    private readonly CancellationToken _stopping;

    /// <summary>As <see cref="StatsPiece.MaxSamples"/>, for tests.</summary>
    internal int MostSamples { get; set; } = StatsPiece.MaxSamples;

    internal StatsHandlers(EngineParts parts, CancellationToken stopping) => (_parts, _stopping) = (parts, stopping);

    /// <summary>A sample of each machine that runs, and then, if they are followed, another each second until the reader leaves.</summary>
    /// <exception cref="BusErrorException">not-found; invalid: more than <see cref="MachineStats.MaxMachines"/> names.</exception>
    public async IAsyncEnumerable<StatsPiece> Read(RequestContext context, MachineStats body, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (body.Machines.Count > MachineStats.MaxMachines)
            throw Refuse.Invalid("machines", $"at most {MachineStats.MaxMachines} machines can be named; name none to hear of all");
        HashSet<WorkloadId> named = [.. body.Machines.Select(m => MachineHandlers.Machine(_parts, context.Tenant, m.Deployment, m.Machine).Id)];
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping);
        while (true)
        {
            long began = Stopwatch.GetTimestamp();
            DateTimeOffset time = _parts.Time.GetUtcNow();
            IEnumerable<WorkloadRow> rows = _parts.Store.LiveMachines(context.Tenant).Where(r => named.Count == 0 || named.Contains(r.Id));
            MachineSample?[] all = await Task.WhenAll(rows.Select(row => MeasureAsync(row, either.Token))).ConfigureAwait(false);
            MachineSample[][] pieces = [.. all.OfType<MachineSample>().Chunk(MostSamples)];
            for (int i = 0; i < Math.Max(pieces.Length, 1); i++)
                yield return new StatsPiece { Time = time, Machines = i < pieces.Length ? pieces[i] : [], More = i + 1 < pieces.Length };
            if (!body.Follow)
                yield break;
            TimeSpan left = s_every - Stopwatch.GetElapsedTime(began);
            await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, either.Token).ConfigureAwait(false);
        }
    }

    private async Task<MachineSample?> MeasureAsync(WorkloadRow row, CancellationToken cancellation)
    {
        try
        {
            MachineUse use = await _parts.Machines.UseAsync(row.Id, cancellation).ConfigureAwait(false);
            return new MachineSample
            {
                Deployment = row.Id.Deployment,
                Machine = row.Id.Name,
                Starts = row.Starts,
                CpuNanoseconds = use.CpuNanoseconds,
                HeldBytes = use.HeldBytes,
                MemoryBytes = use.MemoryBytes,
                UsedBytes = use.UsedBytes,
                ReceivedBytes = use.ReceivedBytes,
                SentBytes = use.SentBytes,
                ReadBytes = use.ReadBytes,
                WrittenBytes = use.WrittenBytes,
                Pids = use.Inside?.Pids,
                PidsLimit = use.Inside?.PidsLimit,
                CpuPressurePer10000 = use.Inside?.CpuPressurePer10000,
                MemoryPressurePer10000 = use.Inside?.MemoryPressurePer10000,
                IoPressurePer10000 = use.Inside?.IoPressurePer10000,
            };
        }
        catch (WorkloadException)
        {
            return null;        // it ended meanwhile
        }
    }
}
