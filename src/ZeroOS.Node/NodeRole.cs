using System.Diagnostics;
using System.Globalization;
using System.Net;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Handlers;
using ZeroOS.Engine.Logs;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Clock;
using ZeroOS.Host.Fetch;
using ZeroOS.Host.Images;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Network;
using ZeroOS.Host.Processes;
using ZeroOS.Host.Storage;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;
using ZeroOS.Node.Attestation;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Screen;
using ZeroOS.Node.Update;
using ZeroOS.Workloads;

namespace ZeroOS.Node;

/// <summary>Role <c>node</c>: the process that has the identity, speaks on the bus and brings deployments to life. Its start is a table, as PID 1's is.</summary>
internal sealed partial class NodeRole
{
    /// <summary>Room for the node's own database where there is no disk: a file system in memory has no metadata to keep room for.</summary>
    private const long MemoryStorageReserve = 32L << 20;

    private const int MaxText = 200;
    private const string RunDirectory = "/run/node";
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(90);

    private static readonly (string Name, Action<NodeRole> Run)[] s_steps =
    [
        ("settings", n => n.ReadSettings()),
        ("storage", n => n.OpenStorage()),    // claims an empty disk only when there are settings
        ("identity", n => n.LoadIdentity()),
        ("tpm", n => n.OpenTpm()),            // waits for nothing either
        ("uplink", n => n.StartUplink()),     // waits for nothing: addresses come when they come
        ("clock", n => n.StartClock()),       // nor does anything wait for the time
        ("images", n => n.OpenImages()),
        ("engine", n => n.StartEngine()),     // adopts what runs before the bus can ask for more
        ("bus", n => n.OpenBus()),
    ];

    private readonly InitConnection _init;
    private readonly HandedOver _left;
    private readonly QueuedLog _log;
    private readonly FetchProcesses _fetchers;
    private FarmSettings? _settings;
    private (string Reason, string Message) _noFarm = ("no-settings", "no farm settings: the node says who it is and refuses the rest (zos farm new makes them)");
    private EngineLimits? _limits;
    private NodeStorage _storage = null!;
    private IdentityKey _identity = null!;
    private Attestor _attestor = null!;
    private Uplink _uplink = null!;
    private Networks _networks = null!;
    private NodeClock _clock = null!;
    private ImageStore _images = null!;
    private MachineHost _machines = null!;
    private EngineStore _store = null!;
    private WorkloadEngine _engine = null!;
    private NodeBus _bus = null!;
    private FetchClient _fetch = null!;
    private Updater _updates = null!;
    private double? _readyAfter;

    private NodeRole(InitConnection init, FetchProcesses fetchers, HandedOver left, QueuedLog log) => (_init, _fetchers, _left, _log) = (init, fetchers, left, log);

    /// <summary>Runs until the machine goes down or PID 1 hangs up. A step that fails ends the process; PID 1 starts it again, with back-off.</summary>
    internal static int Run(InitConnection init)
    {
        using QueuedLog log = new(KernelLog.ForNode());
        init.Log = log.Error;
        using ManualResetEventSlim stopping = new(), closed = new();
        init.Stopping += stopping.Set;
        init.Closed += closed.Set;
        FetchProcesses fetchers = new(init);
        init.Listen();
        NodeRole node = new(init, fetchers, init.HandOver(), log);
        node._screen = new NodeScreen(NodeScreen.FromInit(), node.Seen, log.Warn);
        node._screen.Start();
        foreach ((string name, Action<NodeRole> run) in s_steps)
        {
            if (node._who.Locked is not null && !s_lockedSteps.Contains(name))
                continue;
            long began = Stopwatch.GetTimestamp();
            node.OnScreen(name);
            try
            {
                run(node);
            }
            catch (Exception e)
            {
                log.Error($"node step={name} failed: {e.GetType().Name}: {e.Message}");
                node._stage = $"failed at {name}: {e.Message}";
                node._screen.Show();
                return 1;
            }
            log.Debug(string.Create(CultureInfo.InvariantCulture, $"node step={name} ms={Stopwatch.GetElapsedTime(began).TotalMilliseconds:F1}"));
        }
        node.Ready();
        if (WaitHandle.WaitAny([stopping.WaitHandle, closed.WaitHandle, node._again.WaitHandle]) == 0)
            node.Stop();
        return 0;
    }

    // What was put into the image before it was signed goes before what lay beside it: no boot medium and no network gives such a node another owner.
    internal static string SettingsPath => File.Exists(FarmSettings.SealedPath) ? FarmSettings.SealedPath : FarmSettings.Path;

    private void ReadSettings()
    {
        string path = SettingsPath;
        if (!File.Exists(path))
        {
            _log.Warn(_noFarm.Message);
            return;
        }
        string? fault = "larger than farm settings can be";
        if (new FileInfo(path).Length > FarmDocument.MaxBytes || !FarmDocument.TryVerify(File.ReadAllBytes(path), out _settings, out fault))
        {
            _noFarm = ("settings-refused", $"farm settings are refused: {HostileText.Plain(fault, MaxText)}");
            _log.Error(_noFarm.Message);
            return;
        }
        string where = path == FarmSettings.SealedPath ? "the image" : "the boot medium";
        _log.Info($"farm name=\"{HostileText.Plain(_settings.Name, MaxText)}\" id={_settings.FarmId} version={_settings.Version} owners={_settings.Owners.Count} from=\"{where}\"");
    }

    private void OpenStorage()
    {
        _storage = NodeStorage.Open(_settings is not null, MemoryBytes() / 2, _log);
        _store = EngineStore.Open(Path.Combine(_storage.StateDirectory, "node.db"));
        if (_settings is { } settings && !_store.SeeFarmVersion(settings.Version))
        {
            _noFarm = ("settings-older", $"farm settings version {settings.Version} are older than what this node has seen; they are not used");
            _log.Error(_noFarm.Message);
            _settings = null;
        }
    }

    /// <summary>The TPM's keys are made while the rest starts: a slow one takes seconds, and nothing waits for it.</summary>
    private void OpenTpm()
    {
        _attestor = new Attestor(AttestationTpm.TryOpen(), new AttestorFacts
        {
            Node = _identity.Id,
            IdentitySealed = () => _who.IsSealed,
            SealingKey = () => _bus.SealingKey,
            Settings = () => _settings is null ? null : File.ReadAllBytes(SettingsPath),
        }, _log.Info);
        _ = _attestor.PrepareAsync();
    }

    private void StartUplink()
    {
        _uplink = new Uplink(_storage.StateDirectory, "/etc/resolv.conf", _log);
        _networks = new Networks(_uplink, WorkloadNames.Open(_storage.StateDirectory), new FirewallGroups(Jails.FetchGroup, Jails.DoorGroup), MemoryBytes(), _log);
        _networks.AllowFetch([.. (_settings?.Registries.Values ?? []).Select(RegistryAddress).OfType<IPEndPoint>()]);
        _uplink.Changed += _ => _screen.Look();
        _uplink.Start();
    }

    private void StartClock()
    {
        _clock = new NodeClock(_storage.StateDirectory, ImageRelease.Current.Made, TimeServers, _log);
        _clock.Start();
        _uplink.Changed += _ => _clock.Kick();
    }

    /// <summary>The farm's time servers, or those the network names, or well-known ones.</summary>
    private IReadOnlyList<string> TimeServers() => _settings is { TimeServers.Count: > 0 } settings ? settings.TimeServers
        : _uplink.Current.TimeServers is { Count: > 0 } named ? [.. named.Select(a => a.ToString())] : NodeClock.WellKnown;

    private void OpenImages()
    {
        _fetchers.Adopt(_left);
        _fetch = new FetchClient(_fetchers.Start, _log.Warn);
        Directory.CreateDirectory(RunDirectory);
        _images = new ImageStore(_storage.ImagesDirectory, Path.Combine(RunDirectory, "images"), () => _settings, _fetch, _log);
    }

    private void StartEngine()
    {
        _machines = new MachineHost(_init, _left, _log);
        _limits = new() { Cpus = Environment.ProcessorCount, MemoryBytes = MemoryBytes() - _storage.MemoryBytes, StorageBytes = _storage.CapacityBytes };
        if (!_storage.Persistent)
            _limits = _limits with { StorageReserveBytes = MemoryStorageReserve };
        _engine = new WorkloadEngine(_store, _networks, _storage.Volumes, _images, _machines, new LogStore(_storage.LogsDirectory), _limits, new EngineDependencies
        {
            Owners = () => _settings?.Owners ?? [],
            ClockSynced = () => _clock.Synced,
            Facts = Facts,
            Log = _log.Warn,    // every line of the engine is of something that failed
        });
        _engine.Start();
    }

    private void OpenBus()
    {
        if (_who.Locked is not null)
        {
            OpenLockedBus(_who.Locked);
            return;
        }
        ImageRelease release = ImageRelease.Current;
        _bus = new NodeBus(_identity, _engine, _store, () => new NodeDescription(release.Version.ToString(3), release.Digest, _attestor.Tier, _attestor.Features), _log.Warn);
        _updates = NodeUpdates.Make(_store, () => (_settings, SettingsPath), () => _who.IsSealed, _storage, _uplink, _fetch, _init, () => (_identity.Id, BusPort.Tcp, _bus.Asker), _log);
        NodeCommands.Add(_bus.Routes, _bus.Describe, _engine.Handlers, _attestor, _updates, new PowerHandlers(_init.Restart, _init.PowerOff));
        _clock.Stepped += _bus.ClockStepped; // another epoch: what was sent by the old clock is stale
        OpenDoor();
    }

    /// <summary>PID 1 starts the door, and another whenever that one ends; what it says is the bus's to judge.</summary>
    private void OpenDoor()
    {
        _bus.DoorBroken += () =>
        {
            try
            {
                _init.ReplaceDoor();
            }
            catch (InitRefusedException e)
            {
                _log.Warn($"door: {e.Message}");
            }
        };
        _init.DoorOpened += _bus.Attach;
        _init.OpenDoor();
    }

    private void Ready()
    {
        _readyAfter = KernelClock.BootTimeNs / 1e9;
        if (_who.Locked is not null)
        {
            _stage = "locked";
            _log.Warn(string.Create(CultureInfo.InvariantCulture, $"locked after {_readyAfter:F2} s, bus on port {BusPort.Tcp}: {_who.Locked.Message}"));
            NodeUpdates.LockedOnTrial(_store, _settings?.Owners ?? [], _who.Locked.Message, _init.Restart);
            return;
        }
        _stage = string.Create(CultureInfo.InvariantCulture, $"ready after {_readyAfter:F1} s");
        _engine.AnnounceReady();
        _updates.Start();
        _log.Info(string.Create(CultureInfo.InvariantCulture, $"ready after {_readyAfter:F2} s, bus on port {BusPort.Tcp}, machines running {_machines.Running.Count}"));
    }

    /// <summary>The machine goes down: nobody asks for more, guests stop with grace, the store is closed.</summary>
    private void Stop()
    {
        _log.Info("stopping");
        (_stopping, _stage) = (true, "stopping: machines have time to end");
        _screen.Show();
        using CancellationTokenSource timer = new(s_stopWithin);
        _bus.Dispose();
        if (_who.Locked is not null)
        {
            _store.Dispose();
            return;
        }
        _updates.Dispose();
        _engine.StopAsync().Wait(timer.Token);
        using AutoResetEvent ended = new(false);
        _init.Exited += _ => ended.Set();
        foreach (Workloads.WorkloadId machine in _machines.Running)
            _machines.Stop(machine, new Contracts.Guest.GuestStop { GraceMs = 10_000 });
        while (_machines.Running.Count > 0 && !timer.IsCancellationRequested)
            ended.WaitOne(TimeSpan.FromSeconds(1));
        _images.DisposeAsync().AsTask().Wait(timer.Token);
        _store.Dispose();
    }

    private NodeFacts Facts() => new()
    {
        Stage = _readyAfter is null ? "booting" : "ready",
        ReadyAfterSeconds = _readyAfter,
        Conditions = Conditions(),
        Update = _updates.Status,
        Disks = _storage.Disks,
        Addresses = [.. _uplink.Current.Addresses.Select(a => $"{a.Address}/{a.PrefixLength}")],
    };

    private static IPEndPoint? RegistryAddress(FarmRegistry registry) =>
        Uri.TryCreate(registry.Url, UriKind.Absolute, out Uri? url) && IPAddress.TryParse(url.Host, out IPAddress? address) ? new IPEndPoint(address, url.Port) : null;
}
