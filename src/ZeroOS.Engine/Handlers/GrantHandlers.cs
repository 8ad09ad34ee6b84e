using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Deployments;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.grant.*: what owners let tenants have.</summary>
public sealed class GrantHandlers
{
    private readonly EngineParts _parts;
    private readonly GrantKeeper _grants;
    private readonly Action<string> _wake;

    internal GrantHandlers(EngineParts parts, GrantKeeper grants, Action<string> wake) => (_parts, _grants, _wake) = (parts, grants, wake);

    /// <summary>Stores a grant.</summary>
    public Grant Put(RequestContext context, Grant body)
    {
        Grant stored = _grants.Put(body, MessageMark.Of(context));
        _wake(body.Grantee);
        return stored;
    }

    /// <summary>All grants.</summary>
    public GrantList List(RequestContext context) => new() { Grants = [.. _parts.Store.Grants().Where(g => g.Phase != GrantPhase.Gone).Select(g => g.Grant)] };
}
