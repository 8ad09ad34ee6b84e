using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client;

/// <summary>One pinned node, and everything one can ask it: a method a command. For one caller at a time.</summary>
/// <remarks>All methods throw <see cref="BusErrorException"/> for what the node refuses, <see cref="SpoofedReplyException"/> for an answer that is not the
/// pinned node's, and <see cref="BusTransportException"/> when it cannot be reached. What is followed goes on over a break, and throws
/// <see cref="ClientException"/> when the node does not come back.</remarks>
/// <param name="bus">Speaks to it.</param>
/// <param name="lost">Told once a break when a node that is followed is gone and dialled again.</param>
public sealed class NodeClient(BusClient bus, Action? lost = null)
{
    private const int ExecChannels = 3, CopyChannels = 2, ProcessesChannels = 2;

    private readonly Reconnection _reconnection = new(bus, TimeProvider.System) { Lost = lost ?? (static () => { }) };

    /// <summary>The pinned node.</summary>
    public KeyId Node => bus.Node;

    /// <summary>Speaks to it.</summary>
    internal BusClient Bus => bus;

    /// <summary>The epoch and the sealing key of the last request that was answered; null before.</summary>
    public (byte[] Epoch, byte[] SealingKey)? Channel => bus.Channel;

    /// <summary>Who the node says it is.</summary>
    public Task<NodeInfo> InfoAsync(CancellationToken cancellation) => bus.InfoAsync(cancellation);

    /// <summary>
    /// Waits until the node answers under its own key, which somebody gave it back: it starts again, and until then another answers in its place.
    /// </summary>
    /// <exception cref="ClientException">It did not within that time.</exception>
    public Task<NodeInfo> ReturnAsync(TimeSpan within, CancellationToken cancellation) =>
        new Reconnection(bus, TimeProvider.System) { Patience = within, StartsAgain = true }.ReturnAsync(null, cancellation);

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

    /// <summary>Every disk of the computer, looked at now.</summary>
    public async Task<IReadOnlyList<DiskDetails>> DisksAsync(CancellationToken cancellation) => (await bus.CallAsync(Commands.DiskList, cancellation)).Disks;

    /// <summary>Begins to make a disk the node's, by an order of the farm's threshold.</summary>
    public Task<DiskDetails> ClaimDiskAsync(ReadOnlySpan<byte> order, CancellationToken cancellation) =>
        bus.CallAsync(Commands.DiskClaim, new SignedDiskOrder { Order = Convert.ToBase64String(order) }, cancellation);

    /// <summary>Begins to erase a disk, by an order of the farm's threshold.</summary>
    public Task<DiskDetails> EraseDiskAsync(ReadOnlySpan<byte> order, CancellationToken cancellation) =>
        bus.CallAsync(Commands.DiskErase, new SignedDiskOrder { Order = Convert.ToBase64String(order) }, cancellation);

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

    /// <summary>Has a machine stop, and stay stopped. It has stopped when its status says so.</summary>
    public Task StopAsync(MachineStop stop, CancellationToken cancellation) => bus.CallAsync(Commands.MachineStop, stop, cancellation);

    /// <summary>Has a machine stop, if it runs, and start. The node does both, whatever becomes of the asker.</summary>
    public Task RestartAsync(MachineStop stop, CancellationToken cancellation) => bus.CallAsync(Commands.MachineRestart, stop, cancellation);

    /// <summary>Sends a machine's program a signal; SIGKILL and the machine's stop signal stop it.</summary>
    public Task KillAsync(MachineKill kill, CancellationToken cancellation) => bus.CallAsync(Commands.MachineKill, kill, cancellation);

    /// <summary>
    /// Begins a program beside a machine's own; <see cref="SessionKinds.Exec"/> says what is on which channel. It is never begun twice: a
    /// <see cref="SessionException"/>, of this or of the session, says that the program may have run, unless the reason is
    /// <see cref="SessionCloseReason.Refused"/> or <see cref="SessionCloseReason.NotFound"/>. Every other exception says that it did not.
    /// </summary>
    public Task<Session> ExecAsync(MachineName machine, ExecBegin begin, CancellationToken cancellation)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(begin, SessionJson.Default.ExecBegin);
        if (body.Length > SessionLimits.BodyBytes)
        {
            throw new ClientException($"command and environment are {body.Length} bytes, and at most {SessionLimits.BodyBytes} fit; put them into a file",
                isUsage: true);
        }
        return BeginAsync(SessionKinds.Exec, machine, ExecChannels, body, cancellation);
    }

    /// <summary>
    /// Joins a machine's own program. A <see cref="SessionException"/> or a <see cref="BusErrorException"/> says that it did not, and why: of the first the
    /// reason is <see cref="SessionCloseReason.Refused"/> or <see cref="SessionCloseReason.MachineEnded"/> when the program has ended meanwhile.
    /// </summary>
    public async Task<Attachment> AttachAsync(MachineName machine, AttachBegin begin, CancellationToken cancellation)
    {
        Session session = await BeginAsync(SessionKinds.Attach, machine, ExecChannels,
            JsonSerializer.SerializeToUtf8Bytes(begin, SessionJson.Default.AttachBegin), cancellation);
        try
        {
            return await Attachment.OfAsync(session, cancellation);
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>As above; null: the program has ended by now, and its log has what the session would have shown.</summary>
    public async Task<Attachment?> TryAttachAsync(MachineName machine, AttachBegin begin, CancellationToken cancellation)
    {
        try
        {
            return await AttachAsync(machine, begin, cancellation);
        }
        catch (Exception e) when (e is BusErrorException { Error.Code: ErrorCodes.Conflict or ErrorCodes.NotFound }
            or SessionException { Reason: SessionCloseReason.Refused or SessionCloseReason.MachineEnded })
        {
            return null;
        }
    }

    /// <summary>
    /// Begins a copy out of a machine or into it; <paramref name="kind"/>, of <see cref="SessionKinds"/>, says what is on which channel. A
    /// <see cref="SessionException"/> says that it may have begun, every other exception that it did not.
    /// </summary>
    public Task<Session> CopyAsync(string kind, MachineName machine, CopyBegin begin, CancellationToken cancellation)
    {
        if (Encoding.UTF8.GetByteCount(begin.Path) > CopyBegin.MaxPathBytes)
            throw new ClientException($"a path in a machine has at most {CopyBegin.MaxPathBytes} bytes", isUsage: true);
        return BeginAsync(kind, machine, CopyChannels, JsonSerializer.SerializeToUtf8Bytes(begin, SessionJson.Default.CopyBegin), cancellation);
    }

    /// <summary>
    /// Begins a session that carries connections to programs in a machine; each is a channel that is opened with a <see cref="ForwardBegin"/>. What the machine
    /// has against it comes as the session's end.
    /// </summary>
    public Task<Session> ForwardAsync(MachineName machine, CancellationToken cancellation) => BeginAsync(SessionKinds.Forward, machine, channels: 0,
        JsonSerializer.SerializeToUtf8Bytes(new ForwardSessionBegin(), SessionJson.Default.ForwardSessionBegin), cancellation);

    /// <summary>Begins to list what runs in a machine; <see cref="MachineProcesses"/> reads the session.</summary>
    public Task<Session> ProcessesAsync(MachineName machine, CancellationToken cancellation) => BeginAsync(SessionKinds.Processes, machine,
        ProcessesChannels, JsonSerializer.SerializeToUtf8Bytes(new ProcessesBegin(), SessionJson.Default.ProcessesBegin), cancellation);

    /// <summary>The asker's volumes.</summary>
    public async Task<IReadOnlyList<VolumeStatus>> VolumesAsync(CancellationToken cancellation) =>
        (await bus.CallAsync(Commands.VolumeList, cancellation)).Volumes;

    /// <summary>Destroys a kept volume.</summary>
    public Task DeleteVolumeAsync(VolumeName volume, CancellationToken cancellation) => bus.CallAsync(Commands.VolumeDelete, volume, cancellation);

    /// <summary>A machine's output. When it is followed and the connection breaks, it goes on behind the last piece.</summary>
    public IAsyncEnumerable<LogPiece> LogsAsync(MachineLogs request, CancellationToken cancellation) => ResumedStream.ReadAsync(request,
        (r, c) => bus.StreamAsync(Commands.MachineLogs, r, c), (r, piece) => r with { After = piece.Position },
        request.Follow ? _reconnection : null, cancellation);

    /// <summary>What machines use; when they are followed, over a break too.</summary>
    public IAsyncEnumerable<StatsPiece> StatsAsync(MachineStats request, CancellationToken cancellation) => ResumedStream.ReadAsync(request,
        (r, c) => bus.StreamAsync(Commands.MachineStats, r, c), (r, _) => r, request.Follow ? _reconnection : null, cancellation);

    /// <summary>
    /// The asker's events. When they are followed and the connection breaks, they go on behind the last one. Those that are to be new begin anew with
    /// "watching"; whoever hears that asks what happened meanwhile.
    /// </summary>
    public IAsyncEnumerable<NodeEvent> EventsAsync(EventsWatch request, CancellationToken cancellation) => EventsAsync(request, _reconnection, cancellation);

    /// <summary>As above, found again by <paramref name="reconnection"/>.</summary>
    internal IAsyncEnumerable<NodeEvent> EventsAsync(EventsWatch request, Reconnection reconnection, CancellationToken cancellation) =>
        ResumedStream.ReadAsync(request, (r, c) => bus.StreamAsync(Commands.EventsWatch, r, c), (r, one) => r.New ? r : r with { After = one.Number },
            request.Follow ? reconnection : null, cancellation);

    /// <summary>Asks until there is an answer, as a stream that is followed goes on over a break.</summary>
    internal Task<T> InsistAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellation) => _reconnection.InsistAsync(ask, cancellation);

    private async Task<Session> BeginAsync(string kind, MachineName machine, int channels, byte[] body, CancellationToken cancellation)
    {
        Session session = await bus.OpenSessionAsync(kind, machine, channels, cancellation);
        try
        {
            await session.BeginAsync(body);
            return session;
        }
        catch (SessionException)
        {
            await session.DisposeAsync();
            throw;
        }
    }
}
