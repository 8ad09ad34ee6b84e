using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Handlers;

/// <summary>
/// zos.session.open: whether a tenant may have a session with a machine, and the way to it. An opening changes nothing on the node, so its id is remembered in
/// memory alone: after a restart another epoch refuses it, and nobody but who made its key could use what it opens.
/// </summary>
public sealed class SessionHandlers
{
    private readonly EngineParts _parts;

    internal SessionHandlers(EngineParts parts) => _parts = parts;

    /// <summary>The answer to an opening that came as an ordinary message: there is no connection that could become the session.</summary>
    /// <exception cref="BusErrorException">invalid, always.</exception>
    public SessionOpened ByMessage(RequestContext context, SessionOpen body) =>
        throw new BusErrorException(ErrorCodes.Invalid, "a session is opened by POST /session");

    /// <summary>Checks an opening. What is returned has the guest dial, once the client has begun.</summary>
    /// <exception cref="BusErrorException">denied, invalid, not-found, or conflict when the machine does not run.</exception>
    public Func<CancellationToken, Task<Stream>> Find(RequestContext context, SessionOpen body)
    {
        GrantRules.RequireActive(_parts.Store.Grant(context.Tenant));
        if (!SessionKinds.All.Contains(body.Kind))
            throw Refuse.Invalid("kind", $"this node knows sessions of kind {string.Join(", ", SessionKinds.All)}");
        WorkloadRow row = MachineHandlers.Machine(_parts, context.Tenant, body.Deployment, body.Machine);
        if (row.State != WorkloadState.Running)
            throw Refuse.Conflict($"machine \"{body.Machine}\" does not run: it is {row.State}", "machine");
        return cancellation => _parts.Machines.OpenSessionAsync(row.Id, body.Kind, cancellation);
    }

    /// <summary>Whether a tenant's sessions may go on: the grant has not ended.</summary>
    public bool MayGoOn(string tenant) => _parts.Store.Grant(tenant)?.Phase == GrantPhase.Active;
}
