using System.Text.Json;

using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Handlers;
using ZeroOS.Engine.Logs;
using ZeroOS.Engine.Store;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Shared;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine;

/// <summary>An engine over a fake world, driven pass by pass.</summary>
internal sealed class EngineBench : IDisposable
{
    public static readonly string Alice = Key(1);
    public static readonly string Bob = Key(2);
    public static readonly string Owner = Key(3);

    private readonly Random _random;

    public EngineBench(int seed = 1, bool hasCopy = false)
    {
        _random = new Random(seed);
        World = new FakeWorld(_random);
        Store = Folder.OpenStore(Time);
        HasCopy = hasCopy;
        if (hasCopy)
            Store.AddCopy(Folder.CopyOfStore);
        Engine = Make();
        Engine.Prepare();
    }

    public TestFolder Folder { get; } = new();

    public ManualTime Time { get; } = new();

    public FakeWorld World { get; }

    /// <summary>The store is kept on a second disk too.</summary>
    public bool HasCopy { get; }

    public EngineStore Store { get; private set; }

    public WorkloadEngine Engine { get; private set; }

    public EngineHandlers Handlers => Engine.Handlers;

    public LogStore Logs { get; private set; } = null!;

    /// <summary>Called instead of the disk when output is to be on the medium.</summary>
    public Action<string>? LogSynced { get; set; }

    public bool ClockSynced { get; set; } = true;

    public EngineLimits Limits { get; } = new() { Cpus = 4, MemoryBytes = 8L << 30, StorageBytes = 100L << 30 };

    public List<string> Log { get; } = [];

    public static string Digest(char digit) => "sha256:" + new string(digit, 64);

    public static Grant GrantFor(string tenant, int version = 1) => new()
    {
        Grantee = tenant,
        Version = version,
        Machines = 10,
        Cpu = 16,
        Memory = new ByteSize(4L << 30),
        Storage = new ByteSize(50L << 30),
        Ports = ["8080", "30000-30100"],
        NotBefore = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
        Expires = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero),
        GraceSeconds = 3600,
    };

    /// <summary>Reads a deployment as the bus does.</summary>
    public static Deployment Parse(string json) => JsonSerializer.Deserialize(json, BusJson.Default.Deployment)!;

    /// <summary>The shop of docs: a network, a volume, a machine with a published port.</summary>
    public static Deployment Shop(int version = 1, string name = "shop", int port = 8080) => Parse($$"""
        { "name": "{{name}}", "version": {{version}}, "workloads": [
          { "name": "net", "type": "network", "data": { "range": "10.77.1.0/24" } },
          { "name": "data", "type": "zmount", "data": { "size": "1GiB" } },
          { "name": "web", "type": "zmachine", "data": {
              "flist": { "reference": "registry.example/shop/web:1.4", "digest": "{{Digest('a')}}" },
              "memory": "128MiB", "env": { "MODE": "production" },
              "mounts": [ { "volume": "data", "path": "/srv/data" } ],
              "networks": [ { "network": "net" } ],
              "publish": [ { "host": {{port}}, "guest": 80 } ] } } ] }
        """);

    /// <summary>The deployment with its machine changed.</summary>
    public static Deployment With(Deployment deployment, int version, Func<ZmachineData, ZmachineData> change) => deployment with
    {
        Version = version,
        Workloads = [.. deployment.Workloads.Select(w => w is ZmachineWorkload m ? m with { Data = change(m.Data) } : w)],
    };

    public void Grant(string tenant) => Handlers.Grants.Put(Asked.By(EngineBench.Owner), GrantFor(tenant));

    public DeploymentStatus Apply(Deployment deployment, string? tenant = null) =>
        Handlers.Deployments.Apply(Asked.By(tenant ?? Alice), new DeploymentApply { Deployment = deployment });

    public WorkloadStatus Status(string workload, string deployment = "shop", string? tenant = null) =>
        Handlers.Deployments.Get(Asked.By(tenant ?? Alice), new DeploymentName { Name = deployment }).Workloads.Single(w => w.Name == workload);

    public WorkloadId Id(string workload, string deployment = "shop", string? tenant = null) => new(tenant ?? Alice, deployment, workload);

    /// <summary>Passes until nothing happens any more, without letting time pass.</summary>
    public void Settle(string? tenant = null)
    {
        for (int i = 0; i < 20; i++)
            Engine.Pass(tenant ?? Alice);
    }

    /// <summary>The node ends and starts again over what is left; <paramref name="firstDiskDied"/>: that is the copy.</summary>
    public void Restart(bool firstDiskDied = false)
    {
        Engine.Dispose();
        Store.Fault = null;
        Store.Dispose();
        if (firstDiskDied)
            Folder.LoseStore();
        Store = Folder.OpenStore(Time);
        if (HasCopy)
            Store.AddCopy(Folder.CopyOfStore);
        Engine = Make();
        Engine.Prepare();
    }

    /// <summary>A node on which Alice's shop runs, or another deployment of hers.</summary>
    public static EngineBench Deployed(Deployment? deployment = null)
    {
        EngineBench bench = new();
        bench.Grant(Alice);
        bench.Apply(deployment ?? Shop());
        bench.Settle();
        return bench;
    }

    /// <summary>The node's update, if one is under way.</summary>
    public UpdateStatus? Update { get; set; }

    public void Dispose()
    {
        Engine.Dispose();
        Store.Dispose();
        Folder.Dispose();
    }

    private static string Key(byte seed) => IdentityKey.FromSeed(Enumerable.Repeat(seed, 32).ToArray()).Id.Text;

    private WorkloadEngine Make() => new(Store, World, World, World, World,
        Logs = new LogStore(Path.Combine(Folder.Path, "logs"), TestNames.Names, time: Time, sync: (path, _) => LogSynced?.Invoke(path)), Limits,
        new EngineDependencies
        {
            Owners = () => [Owner],
            ClockSynced = () => ClockSynced,
            Names = TestNames.Names,
            Facts = () => new NodeFacts { Stage = "ready", Update = Update },
            Log = new LineLog(Log.Add),
        }, seed: 7);
}
