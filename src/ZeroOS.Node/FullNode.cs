using System.Globalization;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Handlers;
using ZeroOS.Engine.Logs;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Storage;
using ZeroOS.Images.Fetch;
using ZeroOS.Images.Store;
using ZeroOS.Linux;
using ZeroOS.Node.Attestation;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Disks;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Sessions;
using ZeroOS.Node.Update;
using ZeroOS.Workloads;

namespace ZeroOS.Node;

/// <summary>A node that is who it is: it proves what it booted, runs what tenants deploy, and is updated. The steps are in the order of the lines.</summary>
internal sealed class FullNode : IRunningNode
{
    /// <summary>Room for the node's own database where there is no disk: a file system in memory has no metadata to keep room for.</summary>
    private const long MemoryStorageReserve = 32L << 20;

    private const string RunDirectory = "/run/node";
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(90);

    private readonly NodeContext _node;
    private readonly NodeBase _base;
    private readonly Attestor _attestor;
    private readonly FetchClient _fetch;
    private readonly ImageStore _images;
    private readonly MachineHost _machines;
    private readonly WorkloadEngine _engine;
    private readonly LogStore _logs;
    private readonly NodeBus _bus;
    private readonly SessionServer _sessions;
    private readonly Updater _updates;
    private readonly NodeDisks _disks;
    private readonly WaitingSettings? _wait;

    /// <summary>Runs the steps.</summary>
    /// <exception cref="StartFailedException">One of them failed.</exception>
    public FullNode(NodeContext node, NodeBase start)
    {
        (_node, _base) = (node, start);
        node.Steps.Run("state", Mirror);                                    // one disk: nothing to do
        _attestor = node.Steps.Run("tpm", OpenTpm);                         // waits for one answer of the TPM, and for no key
        node.Overview.Change(p => p with { Attestor = _attestor });
        (_fetch, _images) = node.Steps.Run("images", OpenImages);
        (_machines, _engine, _logs) = node.Steps.Run("engine", StartEngine);// adopts what runs before the bus can ask for more
        node.Overview.Change(p => p with { Machines = _machines });
        _disks = new NodeDisks(start.Storage, node.Log);
        (_bus, _sessions, _updates) = node.Steps.Run("bus", OpenBus);
        _wait = start.Decision.Waiting is null ? null : new WaitingSettings(start.Ledger!, node.StartAgain, node.Log);
    }

    /// <inheritdoc/>
    public void Ready()
    {
        double after = KernelClock.BootTimeNs / 1e9;
        _node.Overview.Change(p => p with { ReadyAfterSeconds = after, Stage = string.Create(CultureInfo.InvariantCulture, $"ready after {after:F1} s") });
        _engine.AnnounceReady();
        _updates.Start();
        _wait?.Start();
        _node.Log.Info(string.Create(CultureInfo.InvariantCulture,
            $"ready after {after:F2} s, bus on port {BusPort.Tcp}, machines running {_machines.Running.Count}"));
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);  // what only the start needed, 16 MiB a disk to look at it, goes back to the computer
    }

    /// <inheritdoc/>
    public void HangUp()
    {
        _bus.Dispose();
        _sessions.Dispose();    // clients hear that the machine goes on
    }

    /// <inheritdoc/>
    public void Stop()
    {
        using CancellationTokenSource timer = new(s_stopWithin);
        _bus.Dispose();
        _sessions.Dispose();
        _wait?.Dispose();
        _updates.Dispose();
        _disks.Dispose();
        _engine.StopAsync().Wait(timer.Token);
        using AutoResetEvent ended = new(false);
        _node.Init.Exited += _ => ended.Set();
        foreach (WorkloadId machine in _machines.Running)
            _machines.Stop(machine, new GuestStop { GraceMs = 10_000 });
        while (_machines.Running.Count > 0 && !timer.IsCancellationRequested)
            ended.WaitOne(TimeSpan.FromSeconds(1));
        _images.DisposeAsync().AsTask().Wait(timer.Token);
        _logs.Dispose();
        _base.Store.Dispose();
        _base.Storage.State.Dispose();
    }

    private StateMirror Mirror()
    {
        MirroredState.Mirror(_base.Storage, _base.Store, _node.StartAgain, _node.Log);
        return _base.Storage.State;
    }

    /// <summary>The TPM's keys are made while the rest starts: a slow one takes seconds, and nothing waits for it.</summary>
    private Attestor OpenTpm()
    {
        Attestor attestor = new(AttestationTpm.TryOpen(), new AttestorFacts
        {
            Node = _base.Identity.Key.Id,
            IdentitySealed = () => _base.Identity.IsSealed,
            SealingKey = () => _bus.SealingKey,     // asked by a command, and commands come by the bus
            Settings = () => _base.Settings.Farm?.Document,
        }, _node.Log);
        attestor.Measure();
        _ = attestor.PrepareAsync();
        return attestor;
    }

    private (FetchClient Fetch, ImageStore Images) OpenImages()
    {
        _node.Fetchers.Adopt(_node.Left);
        FetchClient fetch = new(_node.Fetchers.Start, _node.Log);
        Directory.CreateDirectory(RunDirectory);
        return (fetch, new ImageStore(_base.Storage.ImagesDirectory, Path.Combine(RunDirectory, "images"), () => _base.Settings.InForce, fetch, _node.Log));
    }

    private (MachineHost Machines, WorkloadEngine Engine, LogStore Logs) StartEngine()
    {
        MachineHost machines = new(_node.Init, _node.Left, _base.Storage.Names, _node.Log);
        EngineLimits limits = new()
        {
            Cpus = Environment.ProcessorCount,
            MemoryBytes = NodeMemory.TotalBytes - _base.Storage.MemoryBytes,
            StorageBytes = _base.Storage.CapacityBytes,
        };
        if (!_base.Storage.Persistent)
            limits = limits with { StorageReserveBytes = MemoryStorageReserve };
        _node.Overview.Change(p => p with { Limits = limits });
        LogStore logs = new(_base.Storage.LogsDirectory, _base.Storage.Names, NodeUpdates.OnTrial, _node.Log);
        WorkloadEngine engine = new(_base.Store, _base.Networks, _base.Storage.Volumes, _images, machines, logs, limits, new EngineDependencies
        {
            Owners = () => _base.Settings.InForce?.Owners ?? [],
            ClockSynced = () => _base.Clock.Synced,
            Facts = _node.Overview.Status,
            Names = _base.Storage.Names,
            Log = _node.Log,
        });
        engine.Start();
        return (machines, engine, logs);
    }

    private (NodeBus Bus, SessionServer Sessions, Updater Updates) OpenBus()
    {
        ImageRelease release = ImageRelease.Current;
        NodeBus bus = new(_base.Identity.Key, _engine, _base.Store,
            () => new NodeDescription(release.Version.ToString(3), release.Digest, _attestor.Tier, _attestor.Features), _node.Log);
        Updater updates = NodeUpdates.Make(_base.Store, () => _base.Settings.Farm, _base.Ledger!, () => _base.Identity.IsSealed, _base.Storage, _base.Uplink,
            _fetch, _node.Init, () => (_base.Identity.Key.Id, BusPort.Tcp, bus.Asker), _node.Log);
        _node.Overview.Change(p => p with { Updates = updates });
        NodeCommands.Add(bus.Routes, bus.Describe, _engine.Handlers, _attestor, updates, Disks(), new PowerHandlers(_node.Init.Restart, _node.Init.PowerOff));
        _base.Clock.Stepped += bus.ClockStepped; // another epoch: what was sent by the old clock is stale
        SessionServer sessions = new(new SessionServices(_base.Identity.Key, bus.Epoch, _engine.Handlers.Sessions.Find, _engine.Handlers.Sessions.MayGoOn,
            _node.Log));
        bus.Sessions = sessions;
        _node.OpenDoor(bus);
        return (bus, sessions, updates);
    }

    /// <summary>A claimed disk is taken up as all are, by the start of the role: machines and the computer go on meanwhile.</summary>
    private DiskHandlers Disks() => new(_base.Store, new DiskDependencies
    {
        Node = _base.Identity.Key.Id,
        Settings = () => _base.Settings.InForce,
        ClockSynced = () => _base.Clock.Synced,
        OnTrial = NodeUpdates.OnTrial,
        Ledger = _base.Ledger!,     // a node that knows who it is has one
        Disks = _disks,
        InMemory = () => _base.Storage.Persistent ? 0 : _base.Storage.Volumes.List().Count,
        Claimed = _node.StartAgain,
    });
}
