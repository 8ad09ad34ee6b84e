using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>
/// Every command of the bus. What may follow each name, and what answers it, cannot disagree between client and node: both take it from here.
/// </summary>
public static class Commands
{
    /// <summary>Anyone, unsealed: who the node is and how to seal to it.</summary>
    public static readonly Command<Nothing, NodeInfo> NodeInfo = new("zos.node.info", BusJson.Default.Nothing, BusJson.Default.NodeInfo);

    /// <summary>Owners and grantees: conditions, capacity, own use.</summary>
    public static readonly Command<Nothing, NodeStatus> NodeStatus = new("zos.node.status", BusJson.Default.Nothing, BusJson.Default.NodeStatus);

    /// <summary>Owners and grantees: what the node booted, proved by its TPM.</summary>
    public static readonly Command<NodeAttest, NodeAttestation> NodeAttest = new("zos.node.attest", BusJson.Default.NodeAttest,
        BusJson.Default.NodeAttestation);

    /// <summary>Owner: reboot.</summary>
    public static readonly Command<Nothing, Nothing> NodeReboot = new("zos.node.reboot", BusJson.Default.Nothing, BusJson.Default.Nothing);

    /// <summary>Owner: power off.</summary>
    public static readonly Command<Nothing, Nothing> NodeShutdown = new("zos.node.shutdown", BusJson.Default.Nothing, BusJson.Default.Nothing);

    /// <summary>Owner: update to a signed release.</summary>
    public static readonly Command<NodeUpdate, UpdateStatus> NodeUpdate = new("zos.node.update", BusJson.Default.NodeUpdate, BusJson.Default.UpdateStatus);

    /// <summary>The farm's recovery key, on a locked node only: give it back its identity.</summary>
    public static readonly Command<NodeRecover, NodeRecovery> NodeRecover = new("zos.node.recover", BusJson.Default.NodeRecover, BusJson.Default.NodeRecovery);

    /// <summary>Owner: every disk, looked at now.</summary>
    public static readonly Command<Nothing, DiskList> DiskList = new("zos.disk.list", BusJson.Default.Nothing, BusJson.Default.DiskList);

    /// <summary>Any owner, with an order of the farm's threshold: make a disk the node's.</summary>
    public static readonly Command<SignedDiskOrder, DiskDetails> DiskClaim = new("zos.disk.claim", BusJson.Default.SignedDiskOrder,
        BusJson.Default.DiskDetails);

    /// <summary>Any owner, with an order of the farm's threshold: zeros over a disk.</summary>
    public static readonly Command<SignedDiskOrder, DiskDetails> DiskErase = new("zos.disk.erase", BusJson.Default.SignedDiskOrder,
        BusJson.Default.DiskDetails);

    /// <summary>Owner: give or change a tenant's grant.</summary>
    public static readonly Command<Grant, Grant> GrantPut = new("zos.grant.put", BusJson.Default.Grant, BusJson.Default.Grant);

    /// <summary>Owner: all grants.</summary>
    public static readonly Command<Nothing, GrantList> GrantList = new("zos.grant.list", BusJson.Default.Nothing, BusJson.Default.GrantList);

    /// <summary>Tenant: make, change.</summary>
    public static readonly Command<DeploymentApply, DeploymentStatus> DeploymentApply = new("zos.deployment.apply", BusJson.Default.DeploymentApply,
        BusJson.Default.DeploymentStatus);

    /// <summary>Tenant: one, with status.</summary>
    public static readonly Command<DeploymentName, DeploymentStatus> DeploymentGet = new("zos.deployment.get", BusJson.Default.DeploymentName,
        BusJson.Default.DeploymentStatus);

    /// <summary>Tenant: all of theirs.</summary>
    public static readonly Command<Nothing, DeploymentList> DeploymentList = new("zos.deployment.list", BusJson.Default.Nothing,
        BusJson.Default.DeploymentList);

    /// <summary>Tenant: take down; volumes stay unless named.</summary>
    public static readonly Command<DeploymentDelete, Nothing> DeploymentDelete = new("zos.deployment.delete", BusJson.Default.DeploymentDelete,
        BusJson.Default.Nothing);

    /// <summary>Tenant: start a stopped machine.</summary>
    public static readonly Command<MachineName, Nothing> MachineStart = new("zos.machine.start", BusJson.Default.MachineName, BusJson.Default.Nothing);

    /// <summary>Tenant: stop a machine.</summary>
    public static readonly Command<MachineStop, Nothing> MachineStop = new("zos.machine.stop", BusJson.Default.MachineStop, BusJson.Default.Nothing);

    /// <summary>Tenant: stop a machine, and start it again.</summary>
    public static readonly Command<MachineStop, Nothing> MachineRestart = new("zos.machine.restart", BusJson.Default.MachineStop, BusJson.Default.Nothing);

    /// <summary>Tenant: a signal for a machine's program.</summary>
    public static readonly Command<MachineKill, Nothing> MachineKill = new("zos.machine.kill", BusJson.Default.MachineKill, BusJson.Default.Nothing);

    /// <summary>Tenant: a machine's output.</summary>
    public static readonly StreamCommand<MachineLogs, LogPiece> MachineLogs = new("zos.machine.logs", BusJson.Default.MachineLogs, BusJson.Default.LogPiece);

    /// <summary>Tenant: what machines use.</summary>
    public static readonly StreamCommand<MachineStats, StatsPiece> MachineStats = new("zos.machine.stats", BusJson.Default.MachineStats,
        BusJson.Default.StatsPiece);

    /// <summary>Tenant, by <c>POST /session</c>: a two-way stream to a machine.</summary>
    public static readonly Command<SessionOpen, SessionOpened> SessionOpen = new("zos.session.open", BusJson.Default.SessionOpen,
        BusJson.Default.SessionOpened);

    /// <summary>Owner, tenant: own events.</summary>
    public static readonly StreamCommand<EventsWatch, NodeEvent> EventsWatch = new("zos.events.watch", BusJson.Default.EventsWatch, BusJson.Default.NodeEvent);

    /// <summary>Tenant: volumes, kept ones too.</summary>
    public static readonly Command<Nothing, VolumeList> VolumeList = new("zos.volume.list", BusJson.Default.Nothing, BusJson.Default.VolumeList);

    /// <summary>Tenant: destroy a kept volume.</summary>
    public static readonly Command<VolumeName, Nothing> VolumeDelete = new("zos.volume.delete", BusJson.Default.VolumeName, BusJson.Default.Nothing);
}
