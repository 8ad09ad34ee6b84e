using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client;

/// <summary>One pinned node, and everything one can ask it: a method a command. For one caller at a time.</summary>
/// <remarks>All methods throw <see cref="BusErrorException"/> for what the node refuses, <see cref="SpoofedReplyException"/> for an answer that is not the pinned node's, and
/// <see cref="BusTransportException"/> when it cannot be reached.</remarks>
public sealed class NodeClient(BusClient bus)
{
    /// <summary>The pinned node.</summary>
    public KeyId Node => bus.Node;

    /// <summary>The epoch and the sealing key of the last request that was answered; null before.</summary>
    public (byte[] Epoch, byte[] SealingKey)? Channel => bus.Channel;

    /// <summary>Who the node says it is.</summary>
    public Task<NodeInfo> InfoAsync(CancellationToken cancellation) => bus.InfoAsync(cancellation);

    /// <summary>Health, capacity, and what of it is the asker's.</summary>
    public Task<NodeStatus> StatusAsync(CancellationToken cancellation) => bus.CallAsync(Commands.NodeStatus, cancellation);

    /// <summary>One step of an attestation; <see cref="Attestation.EvidenceCollector"/> takes both.</summary>
    public Task<NodeAttestation> AttestAsync(NodeAttest step, CancellationToken cancellation) => bus.CallAsync(Commands.NodeAttest, step, cancellation);

    /// <summary>Restarts the computer.</summary>
    public Task RebootAsync(CancellationToken cancellation) => bus.CallAsync(Commands.NodeReboot, cancellation);

    /// <summary>Switches the computer off.</summary>
    public Task ShutdownAsync(CancellationToken cancellation) => bus.CallAsync(Commands.NodeShutdown, cancellation);

    /// <summary>Begins an update to a signed release.</summary>
    public Task<UpdateStatus> UpdateAsync(ReadOnlySpan<byte> release, CancellationToken cancellation) =>
        bus.CallAsync(Commands.NodeUpdate, new NodeUpdate { Release = Convert.ToBase64String(release) }, cancellation);

    /// <summary>A step of giving a locked node its identity back.</summary>
    public Task<NodeRecovery> RecoverAsync(NodeRecover step, CancellationToken cancellation) => bus.CallAsync(Commands.NodeRecover, step, cancellation);

    /// <summary>Gives or changes a grant.</summary>
    public Task<Grant> PutGrantAsync(Grant grant, CancellationToken cancellation) => bus.CallAsync(Commands.GrantPut, grant, cancellation);

    /// <summary>All grants.</summary>
    public async Task<IReadOnlyList<Grant>> GrantsAsync(CancellationToken cancellation) => (await bus.CallAsync(Commands.GrantList, cancellation)).Grants;

    /// <summary>Makes or changes a deployment.</summary>
    public Task<DeploymentStatus> ApplyAsync(Deployment deployment, CancellationToken cancellation) =>
        bus.CallAsync(Commands.DeploymentApply, new DeploymentApply { Deployment = deployment }, cancellation);

    /// <summary>One deployment.</summary>
    public Task<DeploymentStatus> DeploymentAsync(string name, CancellationToken cancellation) =>
        bus.CallAsync(Commands.DeploymentGet, new DeploymentName { Name = name }, cancellation);

    /// <summary>The version a deployment has on the node, 0 if it is not there.</summary>
    public async Task<int> VersionAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return (await DeploymentAsync(name, cancellation)).Deployment.Version;
        }
        catch (BusErrorException e) when (e.Error.Code == ErrorCodes.NotFound)
        {
            return 0;
        }
    }

    /// <summary>All of the asker's deployments.</summary>
    public Task<DeploymentList> DeploymentsAsync(CancellationToken cancellation) => bus.CallAsync(Commands.DeploymentList, cancellation);

    /// <summary>Takes a deployment down, and destroys the volumes that are named.</summary>
    public Task DeleteAsync(string name, IReadOnlyList<string> volumes, CancellationToken cancellation) =>
        bus.CallAsync(Commands.DeploymentDelete, new DeploymentDelete { Name = name, Volumes = volumes }, cancellation);

    /// <summary>Starts a stopped machine.</summary>
    public Task StartAsync(MachineName machine, CancellationToken cancellation) => bus.CallAsync(Commands.MachineStart, machine, cancellation);

    /// <summary>Stops a machine, with its grace.</summary>
    public Task StopAsync(MachineName machine, CancellationToken cancellation) => bus.CallAsync(Commands.MachineStop, machine, cancellation);

    /// <summary>The asker's volumes.</summary>
    public async Task<IReadOnlyList<VolumeStatus>> VolumesAsync(CancellationToken cancellation) => (await bus.CallAsync(Commands.VolumeList, cancellation)).Volumes;

    /// <summary>Destroys a kept volume.</summary>
    public Task DeleteVolumeAsync(VolumeName volume, CancellationToken cancellation) => bus.CallAsync(Commands.VolumeDelete, volume, cancellation);

    /// <summary>A machine's output. When it is followed and the connection breaks, it goes on behind the last piece.</summary>
    public IAsyncEnumerable<LogPiece> LogsAsync(MachineLogs request, CancellationToken cancellation) => ResumedStream.ReadAsync(request, r => bus.StreamAsync(Commands.MachineLogs, r, cancellation),
        (r, piece) => r with { After = piece.Position }, request.Follow, TimeProvider.System, cancellation);

    /// <summary>The asker's events. When they are followed and the connection breaks, they go on behind the last one.</summary>
    public IAsyncEnumerable<NodeEvent> EventsAsync(EventsWatch request, CancellationToken cancellation) => ResumedStream.ReadAsync(request, r => bus.StreamAsync(Commands.EventsWatch, r, cancellation),
        (r, one) => r with { After = one.Number, New = false }, request.Follow, TimeProvider.System, cancellation);
}
