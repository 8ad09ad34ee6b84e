using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Handlers;

/// <summary>
/// zos.machine.start, stop, restart and kill. What a machine is to be is stored before the answer, with the message's mark; the tenant's reconciler brings it
/// about, also after a death of the node. A signal that is no stop changes nothing that is stored: the guest gets it, or it is refused.
/// </summary>
public sealed class MachineHandlers
{
    private const string SigTerm = "SIGTERM", SigKill = "SIGKILL";

    private readonly EngineParts _parts;
    private readonly Action<string> _wake;

    internal MachineHandlers(EngineParts parts, Action<string> wake) => (_parts, _wake) = (parts, wake);

    /// <summary>Lets a machine run that was stopped, has exited, or waits. Its first start claims the ports that it publishes.</summary>
    /// <exception cref="BusErrorException">not-found; denied: the grant lets nothing run; conflict: a port is taken.</exception>
    public Nothing Start(RequestContext context, MachineName body) =>
        Store(context, new WorkloadId(context.Tenant, body.Deployment, body.Machine), null, true, ToRun);

    /// <summary>Stops a machine, and keeps it stopped.</summary>
    /// <exception cref="BusErrorException">invalid: the signal or the grace; not-found.</exception>
    public Nothing Stop(RequestContext context, MachineStop body) =>
        Store(context, new WorkloadId(context.Tenant, body.Deployment, body.Machine), Wish(body), false, ToStop);

    /// <summary>
    /// Stops a machine that runs, and starts it. What is stored is that the one that lives is no longer what is wanted. Whoever finds that, also a node that
    /// starts anew, makes it again; one that is on its way down already comes up once.
    /// </summary>
    /// <exception cref="BusErrorException">invalid: the signal or the grace; not-found; denied: the grant lets nothing run.</exception>
    public Nothing Restart(RequestContext context, MachineStop body) =>
        Store(context, new WorkloadId(context.Tenant, body.Deployment, body.Machine), Wish(body), true,
            row => ToRun(row) with { Fingerprint = row.Live ? WorkloadRow.MadeAgain : row.Fingerprint });

    /// <summary>
    /// Sends a machine's program one signal. SIGKILL and the machine's own stop signal are a stop, as in Docker: no restart policy brings it back.
    /// </summary>
    /// <exception cref="BusErrorException">invalid: the signal; not-found; conflict: the machine does not run; unavailable: its guest is not connected just
    /// now.</exception>
    public async Task<Nothing> Kill(RequestContext context, MachineKill body, CancellationToken cancellation)
    {
        string signal = Normal(body.Signal ?? SigKill);
        int number = Signals.Number(signal);
        bool kills = number == Signals.Number(SigKill);
        WorkloadRow row = Running(Machine(_parts, context.Tenant, body.Deployment, body.Machine));
        if (kills || number == StopSignal(row))
            return Store(context, row.Id, new StopWish(signal, kills ? TimeSpan.Zero : null), false, r => ToStop(Running(r)));
        try
        {
            await _parts.Machines.SignalAsync(row.Id, number, cancellation).ConfigureAwait(false);
            return new Nothing();
        }
        catch (WorkloadException e)
        {
            throw new BusErrorException(ErrorCodes.Unavailable, $"the signal did not arrive: {e.Message}", "machine", retryable: true);
        }
    }

    /// <summary>A tenant's machine, by the names the tenant knows it by.</summary>
    /// <exception cref="BusErrorException">not-found.</exception>
    internal static WorkloadRow Machine(EngineParts parts, string tenant, string deployment, string machine)
    {
        if (parts.Store.Deployment(tenant, deployment) is not { Deleting: false })
            throw Refuse.NotFound($"you have no deployment \"{deployment}\" on this node", "deployment");
        WorkloadRow? row = parts.Store.Workload(new WorkloadId(tenant, deployment, machine));
        return row is { Type: WorkloadRow.Zmachine, Removed: false } ? row : throw Refuse.NotFound($"\"{deployment}\" has no machine \"{machine}\"", "machine");
    }

    private static StopWish? Wish(MachineStop body)
    {
        if (body.GraceSeconds is < 0 or > MachineStop.MaxGraceSeconds)
            throw Refuse.Invalid("graceSeconds", $"a grace is 0 to {MachineStop.MaxGraceSeconds} seconds");
        string? signal = body.Signal is { } text ? Normal(text) : null;
        TimeSpan? grace = body.GraceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        return signal is null && grace is null ? null : new StopWish(signal, grace);
    }

    private static string Normal(string signal) =>
        Signals.TryNormalise(signal, out string normal) ? normal : throw Refuse.Invalid("signal", "this is no signal; say KILL, SIGUSR1, 10 or SIGRTMIN+3");

    private static WorkloadRow Running(WorkloadRow row) =>
        row.State == WorkloadState.Running ? row : throw Refuse.Conflict($"machine \"{row.Id.Name}\" does not run: it is {row.State}", "machine");

    private static WorkloadRow ToStop(WorkloadRow row) => row with { Stopped = true, Attempt = 0, NextRetry = null, Restarts = 0 };

    private static WorkloadRow ToRun(WorkloadRow row) => row with
    {
        Stopped = false,
        Attempt = 0,
        NextRetry = null,
        Restarts = 0,
        State = row.Live ? row.State : WorkloadState.Pending,
        Reason = row.Live ? row.Reason : null,
        Message = row.Live ? row.Message : null,
    };

    // An image that a node has not read again since its start counts as one that names no signal.
    private int StopSignal(WorkloadRow row)
    {
        ZmachineWorkload? machine = _parts.Store.Deployment(row.Id.Tenant, row.Id.Deployment)?.Content.Workloads.OfType<ZmachineWorkload>()
            .FirstOrDefault(m => m.Name == row.Id.Name);
        string? wanted = machine?.Data.Stop.Signal ?? _parts.Ready.GetValueOrDefault(row.Id)?.Config.StopSignal;
        return Signals.Number(wanted is not null && Signals.TryNormalise(wanted, out string normal) ? normal : SigTerm);
    }

    private Nothing Store(RequestContext context, WorkloadId id, StopWish? wish, bool runs, Func<WorkloadRow, WorkloadRow> change)
    {
        try
        {
            _parts.Store.Write(() =>
            {
                GrantRow? grant = runs ? GrantRules.RequireActive(_parts.Store.Grant(context.Tenant)) : null;
                _ = Machine(_parts, id.Tenant, id.Deployment, id.Name);
                _parts.Store.Mark(MessageMark.Of(context));
                bool lives = _parts.Store.Change(id, change) is { Live: true };
                if (grant is not null && _parts.Store.Deployment(id.Tenant, id.Deployment) is { } deployment)
                    MachinePromises.StorePorts(_parts.Store, id.Tenant, deployment.Content, grant);
                if (lives && wish is not null)
                    _parts.StopWishes.Set(id, wish);
                else if (runs)
                    _parts.StopWishes.Forget(id);       // of a stop that is not wanted any more
            });
        }
        catch when (wish is not null)
        {
            _parts.StopWishes.Done(id, wish);       // a stop that is not stored is none
            throw;
        }
        _wake(context.Tenant);
        return new Nothing();
    }
}
