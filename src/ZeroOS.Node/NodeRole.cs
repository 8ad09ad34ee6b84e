using System.Diagnostics;
using System.Globalization;
using System.Net;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Linux;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Clock;
using ZeroOS.Node.Engine;
using ZeroOS.Node.Engine.Admission;
using ZeroOS.Node.Engine.Logs;
using ZeroOS.Node.Engine.Store;
using ZeroOS.Node.Fetch;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Images;
using ZeroOS.Node.Init;
using ZeroOS.Node.Jail;
using ZeroOS.Node.Network;
using ZeroOS.Node.Storage;

namespace ZeroOS.Node;

/// <summary>Role <c>node</c>: the process that has the identity, speaks on the bus and brings deployments to life. Its start is a table, as PID 1's is.</summary>
internal sealed class NodeRole
{
    /// <summary>Room for the node's own database where there is no disk: a file system in memory has no metadata to keep room for.</summary>
    private const long MemoryStorageReserve = 32L << 20;

    private const string RunDirectory = "/run/node", ImageDigestFile = "/image-digest";
    private static readonly TimeSpan s_stopWithin = TimeSpan.FromSeconds(90);

    private static readonly (string Name, Action<NodeRole> Run)[] s_steps =
    [
        ("settings", n => n.ReadSettings()),
        ("storage", n => n.OpenStorage()),    // claims an empty disk only when there are settings
        ("identity", n => n.LoadIdentity()),
        ("uplink", n => n.StartUplink()),     // waits for nothing: addresses come when they come
        ("clock", n => n.StartClock()),       // nor does anything wait for the time
        ("images", n => n.OpenImages()),
        ("engine", n => n.StartEngine()),     // adopts what runs before the bus can ask for more
        ("bus", n => n.OpenBus()),
    ];

    private readonly InitConnection _init;
    private readonly HandedOver _left;
    private readonly KernelLog _log;
    private readonly FetchProcesses _fetchers;
    private FarmSettings? _settings;
    private NodeStorage _storage = null!;
    private IdentityKey _identity = null!;
    private Uplink _uplink = null!;
    private Networks _networks = null!;
    private NodeClock _clock = null!;
    private ImageStore _images = null!;
    private Machines.Machines _machines = null!;
    private EngineStore _store = null!;
    private WorkloadEngine _engine = null!;
    private NodeBus _bus = null!;
    private double? _readyAfter;

    private NodeRole(InitConnection init, FetchProcesses fetchers, HandedOver left, KernelLog log) => (_init, _fetchers, _left, _log) = (init, fetchers, left, log);

    /// <summary>Runs until the machine goes down or PID 1 hangs up. A step that fails ends the process; PID 1 starts it again, with back-off.</summary>
    internal static int Run(InitConnection init)
    {
        KernelLog log = KernelLog.ForNode();
        using ManualResetEventSlim stopping = new(), closed = new();
        init.Stopping += stopping.Set;
        init.Closed += closed.Set;
        FetchProcesses fetchers = new(init);
        init.Listen();
        NodeRole node = new(init, fetchers, init.HandOver(), log);
        foreach ((string name, Action<NodeRole> run) in s_steps)
        {
            long began = Stopwatch.GetTimestamp();
            try
            {
                run(node);
            }
            catch (Exception e)
            {
                log.Error($"node step={name} failed: {e.GetType().Name}: {e.Message}");
                return 1;
            }
            log.Write(LogLevel.Debug, string.Create(CultureInfo.InvariantCulture, $"node step={name} ms={Stopwatch.GetElapsedTime(began).TotalMilliseconds:F1}"));
        }
        node.Ready();
        if (WaitHandle.WaitAny([stopping.WaitHandle, closed.WaitHandle]) == 0)
            node.Stop();
        return 0;
    }

    private void ReadSettings()
    {
        if (!File.Exists(FarmSettings.Path))
        {
            _log.Warn("no farm settings: the node says who it is and refuses the rest (zos farm new makes them)");
            return;
        }
        string? fault = "larger than farm settings can be";
        if (new FileInfo(FarmSettings.Path).Length > FarmDocument.MaxBytes || !FarmDocument.TryVerify(File.ReadAllBytes(FarmSettings.Path), out _settings, out fault))
        {
            _log.Error($"farm settings are refused: {Printable(fault)}");
            return;
        }
        _log.Info($"farm name=\"{Printable(_settings.Name)}\" id={_settings.FarmId} version={_settings.Version} owners={_settings.Owners.Count}");
    }

    private void OpenStorage()
    {
        _storage = NodeStorage.Open(_settings is not null, MemoryBytes() / 2, _log.Info);
        _store = EngineStore.Open(Path.Combine(_storage.StateDirectory, "node.db"));
        if (_settings is { } settings && !_store.SeeFarmVersion(settings.Version))
        {
            _log.Error($"farm settings version {settings.Version} are older than what this node has seen; they are not used");
            _settings = null;
        }
    }

    private void LoadIdentity()
    {
        _identity = IdentityKey.FromSeed(IdentityStore.LoadOrCreate(_storage));
        _log.Info($"node id: {_identity.Id.Text}");
    }

    private void StartUplink()
    {
        _uplink = new Uplink(_storage.StateDirectory, "/etc/resolv.conf", _log.Info);
        _networks = new Networks(_uplink, Jails.FetchGroup, _log.Info);
        _networks.AllowFetch([.. (_settings?.Registries.Values ?? []).Select(RegistryAddress).OfType<IPEndPoint>()]);
        _uplink.Start();
    }

    private void StartClock()
    {
        // The image's second line is when it was made: the clock is never before that.
        string? made = File.Exists(ImageDigestFile) ? File.ReadLines(ImageDigestFile).ElementAtOrDefault(1) : null;
        DateTimeOffset floor = DateTimeOffset.TryParse(made, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset parsed) ? parsed : DateTimeOffset.UnixEpoch;
        _clock = new NodeClock(_storage.StateDirectory, floor, TimeServers, _log.Info);
        _clock.Start();
        _uplink.Changed += _ => _clock.Kick();
    }

    /// <summary>The farm's time servers, or those the network names, or well-known ones.</summary>
    private IReadOnlyList<string> TimeServers() => _settings is { TimeServers.Count: > 0 } settings ? settings.TimeServers
        : _uplink.Current.TimeServers is { Count: > 0 } named ? [.. named.Select(a => a.ToString())] : NodeClock.WellKnown;

    private void OpenImages()
    {
        _fetchers.Adopt(_left);
        FetchConnection fetch = new(_fetchers.Start, _log.Info);
        Directory.CreateDirectory(RunDirectory);
        _images = new ImageStore(_storage.ImagesDirectory, Path.Combine(RunDirectory, "images"), () => _settings, fetch, _log.Info);
    }

    private void StartEngine()
    {
        _machines = new Machines.Machines(_init, _left, _log);
        EngineLimits limits = new() { Cpus = Environment.ProcessorCount, MemoryBytes = MemoryBytes() - _storage.MemoryBytes, StorageBytes = _storage.CapacityBytes };
        if (!_storage.Persistent)
            limits = limits with { StorageReserveBytes = MemoryStorageReserve };
        _engine = new WorkloadEngine(_store, _networks, _storage.Volumes, _images, _machines, new LogStore(_storage.LogsDirectory), limits, new EngineSurroundings
        {
            Owners = () => _settings?.Owners ?? [],
            ClockSynced = () => _clock.Synced,
            Facts = Facts,
            Log = _log.Info,
        });
        _engine.Start();
    }

    private void OpenBus()
    {
        string digest = File.Exists(ImageDigestFile) ? File.ReadLines(ImageDigestFile).First() : "unknown";
        _bus = new NodeBus(_identity, _engine, _store, new NodeDescription(typeof(NodeRole).Assembly.GetName().Version!.ToString(3), digest, "open", []), _log.Info);
        _engine.Register(_bus.Routes);
        _bus.Routes
            .Add(Commands.NodeReboot, ZeroOS.Bus.Gates.Roles.Owner, BusJson.Default.Nothing, BusJson.Default.Nothing, (_, _, _) => Power(_init.Restart))
            .Add(Commands.NodeShutdown, ZeroOS.Bus.Gates.Roles.Owner, BusJson.Default.Nothing, BusJson.Default.Nothing, (_, _, _) => Power(_init.PowerOff));
        _clock.Stepped += _bus.ClockStepped; // another epoch: what was sent by the old clock is stale
        _bus.StartAsync().GetAwaiter().GetResult();
    }

    private void Ready()
    {
        _readyAfter = KernelClock.BootTimeNs / 1e9;
        _engine.AnnounceReady();
        _log.Info(string.Create(CultureInfo.InvariantCulture, $"ready after {_readyAfter:F2} s, bus on port {_bus.Port}, machines running {_machines.Running.Count}"));
    }

    /// <summary>The machine goes down: nobody asks for more, guests stop with grace, the store is closed.</summary>
    private void Stop()
    {
        _log.Info("stopping");
        using CancellationTokenSource timer = new(s_stopWithin);
        _bus.DisposeAsync().AsTask().Wait(timer.Token);
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

    /// <summary>The answer leaves before the machine goes down.</summary>
    private static Task<Nothing> Power(Action ask)
    {
        _ = Task.Delay(TimeSpan.FromMilliseconds(200)).ContinueWith(_ => ask(), TaskScheduler.Default);
        return Task.FromResult(new Nothing());
    }

    private NodeFacts Facts() => new()
    {
        Stage = _readyAfter is null ? "booting" : "ready",
        ReadyAfterSeconds = _readyAfter,
        Conditions =
        [
            .. _uplink.Current.Conditions.Where(c => !c.Ok).Take(1).Select(c => new NodeCondition { Name = "network", Ok = false, Reason = $"no-{c.Name}", Message = c.Message })
                .DefaultIfEmpty(new NodeCondition { Name = "network", Ok = true }),
            _clock.Trouble is (string reason, string message) ? new NodeCondition { Name = "clock", Ok = false, Reason = reason, Message = message }
                : new NodeCondition { Name = "clock", Ok = true },
            _storage.Persistent ? new NodeCondition { Name = "storage", Ok = true }
                : new NodeCondition { Name = "storage", Ok = false, Reason = "no-disk", Message = "no usable disk: everything is in memory and is lost with the power" },
        ],
        Disks = _storage.Disks,
        Addresses = [.. _uplink.Current.Addresses.Select(a => $"{a.Address}/{a.PrefixLength}")],
    };

    private static long MemoryBytes()
    {
        string line = KernelFile.Read("/proc/meminfo").Split('\n').First(l => l.StartsWith("MemTotal:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    private static IPEndPoint? RegistryAddress(FarmRegistry registry) =>
        Uri.TryCreate(registry.Url, UriKind.Absolute, out Uri? url) && IPAddress.TryParse(url.Host, out IPAddress? address) ? new IPEndPoint(address, url.Port) : null;

    private static string Printable(string text) => new([.. text.Where(c => c is >= ' ' and <= '~').Take(200)]);
}
