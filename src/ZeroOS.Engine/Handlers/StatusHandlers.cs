using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Handlers;

/// <summary>zos.node.status: how the node is, and what of it is the asker's.</summary>
public sealed class StatusHandlers
{
    private readonly EngineParts _parts;
    private readonly Func<NodeFacts> _facts;

    internal StatusHandlers(EngineParts parts, Func<NodeFacts> facts) => (_parts, _facts) = (parts, facts);

    /// <summary>Conditions and capacity; for an owner with what all tenants have reserved in sum, for a tenant with their own and their grant.</summary>
    public NodeStatus Get(RequestContext context)
    {
        (string sender, bool isOwner) = (context.Tenant, context.IsOwner);
        NodeFacts facts = _facts();
        GrantRow? grant = _parts.Store.Grant(sender);
        ResourceUse use = _parts.Store.Use(isOwner ? null : sender);
        List<NodeCondition> conditions = [.. facts.Conditions];
        if (_parts.Publisher.Trouble is { } trouble)
            conditions.Add(new NodeCondition
            {
                Name = "publish",
                Ok = false,
                Reason = "publish-failed",
                Message = isOwner ? trouble : "published ports cannot be changed just now; it is tried again"
            });
        if (!isOwner && grant is not null)
            conditions.Add(GrantCondition(grant, use));
        return new NodeStatus
        {
            Stage = facts.Stage,
            ReadyAfterSeconds = facts.ReadyAfterSeconds,
            Conditions = conditions,
            Capacity = _parts.Limits.Capacity,
            Used = new Resources { Machines = use.Machines, Cpu = use.Cpu, Memory = new ByteSize(use.Memory), Storage = new ByteSize(use.Storage) },
            Grant = grant?.Grant,
            Disks = isOwner ? facts.Disks : null,
            Addresses = isOwner ? facts.Addresses : null,
            Update = isOwner ? facts.Update : null,
        };
    }

    private static NodeCondition GrantCondition(GrantRow row, ResourceUse use)
    {
        (string? reason, string message) = row.Phase switch
        {
            GrantPhase.Waiting => ("grant-not-begun", $"the grant begins at {row.Grant.NotBefore:yyyy-MM-dd'T'HH:mm:ss'Z'}"),
            GrantPhase.Active when GrantRules.IsOver(row.Grant, use) =>
                ("over-grant", "more is reserved than the grant has: nothing can grow, and after 7 days the newest machines stop"),
            GrantPhase.Active => (null, $"until {row.Grant.Expires:yyyy-MM-dd'T'HH:mm:ss'Z'}"),
            _ => ("grant-ended", $"volumes are kept for {Math.Max(0, row.GraceSeconds - row.GraceUsed)} more seconds of this node's running time"),
        };
        return new NodeCondition { Name = "grant", Ok = reason is null, Reason = reason, Message = message };
    }
}
