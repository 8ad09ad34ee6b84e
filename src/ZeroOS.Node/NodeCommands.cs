using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Handlers;
using ZeroOS.Node.Attestation;
using ZeroOS.Node.Disks;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Update;

namespace ZeroOS.Node;

/// <summary>The commands of a node: who may send each, and who answers it. What is not in the table does not exist.</summary>
internal static class NodeCommands
{
    /// <summary>Of a node that has its identity.</summary>
    public static void Add(Routes routes, Func<RequestContext, NodeInfo> info, EngineHandlers engine, Attestor attestor, Updater updates, DiskHandlers disks,
        PowerHandlers power) => routes
        .Add(Commands.NodeInfo, Roles.Anyone, info)
        .Add(Commands.NodeStatus, Roles.OwnerOrTenant, engine.Status.Get)
        .Add(Commands.NodeAttest, Roles.OwnerOrTenant, attestor.AnswerAsync)
        .Add(Commands.NodeReboot, Roles.Owner, power.Reboot)
        .Add(Commands.NodeShutdown, Roles.Owner, power.Shutdown)
        .Add(Commands.NodeUpdate, Roles.Owner, updates.Begin)
        .Add(Commands.DiskList, Roles.Owner, disks.List)
        .Add(Commands.DiskClaim, Roles.Owner, disks.Claim)
        .Add(Commands.DiskErase, Roles.Owner, disks.Erase)
        .Add(Commands.GrantPut, Roles.Owner, engine.Grants.Put)
        .Add(Commands.GrantList, Roles.Owner, engine.Grants.List)
        .Add(Commands.DeploymentApply, Roles.Tenant, engine.Deployments.Apply)
        .Add(Commands.DeploymentGet, Roles.Tenant, engine.Deployments.Get)
        .Add(Commands.DeploymentList, Roles.Tenant, engine.Deployments.List)
        .Add(Commands.DeploymentDelete, Roles.Tenant, engine.Deployments.Delete)
        .Add(Commands.MachineStart, Roles.Tenant, engine.Machines.Start)
        .Add(Commands.MachineStop, Roles.Tenant, engine.Machines.Stop)
        .Add(Commands.MachineRestart, Roles.Tenant, engine.Machines.Restart)
        .Add(Commands.MachineKill, Roles.Tenant, engine.Machines.Kill)
        .Add(Commands.MachineLogs, Roles.Tenant, engine.Logs.Read)
        .Add(Commands.MachineStats, Roles.Tenant, engine.Stats.Read)
        .Add(Commands.SessionOpen, Roles.Tenant, engine.Sessions.ByMessage)
        .Add(Commands.EventsWatch, Roles.OwnerOrTenant, engine.Events.Watch)
        .Add(Commands.VolumeList, Roles.Tenant, engine.Volumes.List)
        .Add(Commands.VolumeDelete, Roles.Tenant, engine.Volumes.Delete);

    /// <summary>Of a node that cannot open its identity: nothing that belongs to tenants can be reached.</summary>
    public static void AddLocked(Routes routes, Func<RequestContext, NodeInfo> info, LockedNode locked, PowerHandlers power) => routes
        .Add(Commands.NodeInfo, Roles.Anyone, info)
        .Add(Commands.NodeRecover, Roles.Recovery, locked.RecoverAsync)
        .Add(Commands.NodeReboot, Roles.Owner, power.Reboot)
        .Add(Commands.NodeShutdown, Roles.Owner, power.Shutdown);
}
