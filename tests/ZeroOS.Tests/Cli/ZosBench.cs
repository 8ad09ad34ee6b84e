using System.Net;
using System.Net.Sockets;
using System.Text;

using Xunit;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Guest;
using ZeroOS.Node.Bus;
using ZeroOS.Tests.Node.Doors;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Cli;

/// <summary>
/// zos as a person runs it, with a configuration folder of its own, against the real bus of a node whose handlers keep deployments in memory.
/// </summary>
internal sealed class ZosBench : IAuthority, IAsyncDisposable
{
    private readonly List<Grant> _grants = [];
    private readonly Dictionary<string, Deployment> _deployments = [];
    private readonly HeldPort _port = new();
    private HashSet<string> _owners = [];
    private InProcessDoor _door = null!;

    private ZosBench(IdentityKey identity)
    {
        Node = identity;
        Bus = new NodeBus(identity, this, new MemoryReplayStore(), () => new NodeDescription("0.1.0", "unknown", "open", []), LineLog.Quiet);
        Bus.Routes
            .Add(Commands.NodeInfo, Roles.Anyone, Bus.Describe)
            .Add(Commands.GrantList, Roles.Owner, _ => new GrantList { Grants = [.. _grants] })
            .Add(Commands.GrantPut, Roles.Owner, Put)
            .Add(Commands.DeploymentApply, Roles.Tenant, Apply)
            .Add(Commands.DeploymentGet, Roles.Tenant, (_, body) => Status(Stored(body.Name)))
            .Add(Commands.DeploymentList, Roles.Tenant, _ => new DeploymentList { Deployments = [.. _deployments.Values.Select(Status)] })
            .Add(Commands.DeploymentDelete, Roles.Tenant, Delete)
            .Add(Commands.MachineStart, Roles.Tenant, (_, body) => Turn(body.Deployment, body.Machine, up: true, body))
            .Add(Commands.MachineStop, Roles.Tenant, (_, body) => Turn(body.Deployment, body.Machine, up: false, body))
            .Add(Commands.MachineRestart, Roles.Tenant, (_, body) => Turn(body.Deployment, body.Machine, up: true, body))
            .Add(Commands.MachineKill, Roles.Tenant, Kill)
            .Add(Commands.MachineLogs, Roles.Tenant, (_, body, _) => Read(body))
            .Add(Commands.MachineStats, Roles.Tenant, (_, body, _) => Measure(body))
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, body, stop) => Watch(body, stop));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("zos-test").FullName;

    public IdentityKey Node { get; }

    public NodeBus Bus { get; }

    public int Port => _door.Port;

    public event Action? Changed;

    public IEnumerable<KeyValuePair<string, Roles>> Known =>
        _owners.Concat(_grants.Select(g => g.Grantee)).Distinct().Select(k => KeyValuePair.Create(k, RolesOf(k)));

    public List<DeploymentDelete> Deleted { get; } = [];

    /// <summary>What was asked of machines: bodies of start, stop, restart and kill.</summary>
    public List<object> Turned { get; } = [];

    /// <summary>How machines are, as DEPLOYMENT/MACHINE, once something was asked of them.</summary>
    public Dictionary<string, WorkloadStatus> Machines { get; } = [];

    /// <summary>What becomes of a machine of which something was asked; true: it is to run.</summary>
    public Func<WorkloadStatus, bool, WorkloadStatus> Becomes { get; set; } = (status, up) => up
        ? status with { State = WorkloadState.Running, Starts = status.Starts + 1 } : status with { State = WorkloadState.Stopped, ExitCode = 137 };

    public List<MachineLogs> LogsAsked { get; } = [];

    /// <summary>The output of every machine.</summary>
    public Func<MachineLogs, IEnumerable<LogPiece>> Logs { get; set; } = request =>
        [Line($"\u001b[1mhello from {request.Machine}\u001b[0m\n"), Line("bye\n")];

    public List<MachineStats> StatsAsked { get; } = [];

    /// <summary>What machines use.</summary>
    public Func<MachineStats, IEnumerable<StatsPiece>> Stats { get; set; } = _ => [];

    /// <summary>The node's events; one piece unless told.</summary>
    public Func<EventsWatch, CancellationToken, IAsyncEnumerable<NodeEvent>> Watch { get; set; } = (_, _) => Events();

    /// <summary>What a hostile node would put into a message.</summary>
    public string Message { get; set; } = "well";

    /// <summary>A started node and a person with a key who owns it; <paramref name="more"/> adds commands.</summary>
    public static async Task<ZosBench> StartAsync(Action<ZosBench>? more = null)
    {
        ZosBench bench = new(IdentityKey.Generate());
        more?.Invoke(bench);
        bench._door = await InProcessDoor.OpenAsync(bench.Bus.Attach, bench._port.Number);
        return bench;
    }

    /// <summary>As above, with an owner who is settled and has deployed "web", whose one machine is "nginx".</summary>
    public static async Task<ZosBench> DeployedAsync()
    {
        ZosBench bench = await StartAsync();
        await bench.SettleAsync();
        await bench.Ok("deploy", bench.Write("web.yaml", "name: web\nworkloads:\n  - name: nginx\n    type: zmachine\n"
            + $"    data: {{ flist: {{ reference: demo/nginx:1, digest: \"sha256:{new string('a', 64)}\" }}, memory: 256MiB }}\n"));
        return bench;
    }

    /// <summary>The node's door is gone, the next dial meets <paramref name="meanwhile"/>, and then it is back at the same port.</summary>
    public async Task RestartAsync(Func<TcpListener, Task> meanwhile)
    {
        await _door.DisposeAsync();
        using (TcpListener other = new(IPAddress.Loopback, _port.Number))
        {
            other.Start();
            await meanwhile(other);
        }
        _door = await InProcessDoor.OpenAsync(Bus.Attach, _port.Number);
    }

    /// <summary>Key, farm settings, pinned node, grant: what everybody does first.</summary>
    public async Task<string> SettleAsync()
    {
        await Ok("key", "new");
        string key = (await Ok("key", "show")).Trim();
        await Ok("farm", "new", "--owner", key, "--name", "test", "--registry", "demo=http://10.0.2.2:5000,plain", "-o", Path.Combine(Folder, "farm.cred"));
        Assert.True(FarmDocument.TryVerify(File.ReadAllBytes(Path.Combine(Folder, "farm.cred")), out FarmSettings? settings, out string? fault), fault);
        _owners = [.. settings.Owners];
        Changed?.Invoke();
        await Ok("node", "add", "n1", $"{Node.Id}@127.0.0.1:{Port}");
        await Ok("grant", "put", key, "--machines", "5", "--cpu", "4", "--memory", "1GiB", "--storage", "6GiB", "--ports", "8080,30000-30100", "--days", "90");
        return key;
    }

    public Roles RolesOf(string keyId) =>
        (_owners.Contains(keyId) ? Roles.Owner : Roles.None) | (_grants.Any(g => g.Grantee == keyId) ? Roles.Tenant : Roles.None);

    public Task<ZosRun> Run(params string[] args) => ZosRun.OfAsync(Folder, args);

    public async Task<string> Ok(params string[] args) => (await Run(args)).Ended(0).Out;

    public async Task<string> Fails(int code, params string[] args) => (await Run(args)).Ended(code).Error;

    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public Deployment Stored(string name) =>
        _deployments.GetValueOrDefault(name) ?? throw new BusErrorException(ErrorCodes.NotFound, $"you have no deployment \"{name}\" here", "name");

    /// <summary>The node has deleted a deployment by itself.</summary>
    public void Forget(string name) => _deployments.Remove(name);

    public async ValueTask DisposeAsync()
    {
        await _door.DisposeAsync();
        _port.Dispose();
        Bus.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private Grant Put(RequestContext context, Grant grant)
    {
        _grants.RemoveAll(g => g.Grantee == grant.Grantee && g.Version < grant.Version);
        if (_grants.Any(g => g.Grantee == grant.Grantee))
            throw new BusErrorException(ErrorCodes.Conflict, "a grant of that version is here", "version");
        _grants.Add(grant);
        Changed?.Invoke();
        return grant;
    }

    private DeploymentStatus Apply(RequestContext context, DeploymentApply body)
    {
        Deployment deployment = body.Deployment;
        int expected = (_deployments.GetValueOrDefault(deployment.Name)?.Version ?? 0) + 1;
        if (deployment.Version != expected)
            throw new BusErrorException(ErrorCodes.Conflict, $"version {expected} comes next", "version");
        _deployments[deployment.Name] = deployment;
        return Status(deployment);
    }

    private Nothing Delete(RequestContext context, DeploymentDelete delete)
    {
        _ = Stored(delete.Name);
        _deployments.Remove(delete.Name);
        Deleted.Add(delete);
        return new Nothing();
    }

    private Nothing Kill(RequestContext context, MachineKill body)
    {
        WorkloadStatus status = Find(body.Deployment, body.Machine);
        if (status.State != WorkloadState.Running)
            throw new BusErrorException(ErrorCodes.Conflict, $"machine \"{body.Machine}\" does not run: it is {status.State}", "machine");
        return Turn(body.Deployment, body.Machine, body.Signal is not null, body);
    }

    private Nothing Turn(string deployment, string machine, bool up, object body)
    {
        WorkloadStatus status = Find(deployment, machine);
        Turned.Add(body);
        Machines[$"{deployment}/{machine}"] = Becomes(status, up);
        return new Nothing();
    }

    private WorkloadStatus Find(string deployment, string machine) => Status(Stored(deployment)).Workloads.FirstOrDefault(w => w.Name == machine)
        ?? throw new BusErrorException(ErrorCodes.NotFound, $"\"{deployment}\" has no machine \"{machine}\"", "machine");

    private static async IAsyncEnumerable<NodeEvent> Events()
    {
        await Task.Yield();
        yield return new NodeEvent { Number = 0, Time = DateTimeOffset.UnixEpoch, Kind = EventKinds.Watching };
    }

    private async IAsyncEnumerable<LogPiece> Read(MachineLogs request)
    {
        await Task.Yield();
        LogsAsked.Add(request);
        foreach (LogPiece piece in Logs(request))
            yield return piece;
    }

    private async IAsyncEnumerable<StatsPiece> Measure(MachineStats request)
    {
        await Task.Yield();
        StatsAsked.Add(request);
        foreach (StatsPiece piece in Stats(request))
            yield return piece;
    }

    private static LogPiece Line(string line) => new()
    {
        Data = Convert.ToBase64String(Encoding.UTF8.GetBytes(line)),
        Runs = [new LogRun(OutputStream.StandardOutput, Encoding.UTF8.GetByteCount(line), null)],
        Position = 0,
    };

    private DeploymentStatus Status(Deployment deployment) => new()
    {
        Deployment = deployment,
        Workloads =
        [
            .. deployment.Workloads.Select(w => Machines.GetValueOrDefault($"{deployment.Name}/{w.Name}") ?? new WorkloadStatus
            {
                Name = w.Name,
                Type = w switch { NetworkWorkload => "network", ZmountWorkload => "zmount", _ => "zmachine" },
                State = w is ZmachineWorkload { Data.Restart: RestartPolicy.Never } ? WorkloadState.Exited : WorkloadState.Running,
                Message = Message,
                ExitCode = w is ZmachineWorkload ? 7 : null,
            }),
        ],
    };
}
