using System.Runtime.CompilerServices;
using System.Text;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Docker;

/// <summary>A node's engine in memory: deployments, machines whose programs the test plays, their logs, and events about all of it.</summary>
internal sealed class PlayedEngine
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Deployment> _deployments = [];
    private readonly Dictionary<string, WorkloadStatus> _machines = [];
    private readonly Dictionary<string, List<(OutputStream Stream, string Text)>> _logs = [];
    private readonly List<NodeEvent> _events = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PlayedEngine(GateBench gate) => gate.Routes
        .Add(Commands.NodeInfo, Roles.Anyone, _ => gate.Info())
        .Add(Commands.NodeStatus, Roles.OwnerOrTenant, _ => Status())
        .Add(Commands.DeploymentApply, Roles.Tenant, (_, body) => Apply(body.Deployment))
        .Add(Commands.DeploymentGet, Roles.Tenant, (_, body) => List().Deployments.Single(d => d.Deployment.Name == body.Name))
        .Add(Commands.DeploymentList, Roles.Tenant, _ => List())
        .Add(Commands.DeploymentDelete, Roles.Tenant, (_, body) => Delete(body))
        .Add(Commands.MachineStart, Roles.Tenant, (_, body) => Start(body.Deployment))
        .Add(Commands.MachineStop, Roles.Tenant, (_, body) => Stop(body.Deployment, body))
        .Add(Commands.MachineRestart, Roles.Tenant, (_, body) => Restart(body))
        .Add(Commands.MachineKill, Roles.Tenant, (_, body) => Kill(body))
        .Add(Commands.MachineLogs, Roles.Tenant, (_, body, stop) => Logs(body, stop))
        .Add(Commands.MachineStats, Roles.Tenant, (_, _, _) => Stats())
        .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, body, stop) => Events(body, stop));

    /// <summary>The program of a machine.</summary>
    public Func<ZmachineData, PlayedProgram> Program { get; set; } = _ => new PlayedProgram();

    /// <summary>Ports of the grant.</summary>
    public IReadOnlyList<string> GrantPorts { get; set; } = ["8080", "30000-30100"];

    /// <summary>Something is in the way of a start, and the node tries again.</summary>
    public (WorkloadState State, string Reason)? Trouble { get; set; }

    /// <summary>Somebody else changes the next deployment that is changed, just before that: an annotation.</summary>
    public bool HasRival { get; set; }

    /// <summary>So often it is in the way.</summary>
    public int Troubles { get; set; } = 2;

    /// <summary>Bodies of stops and kills.</summary>
    public List<object> Asked { get; } = [];

    /// <summary>Deployments that are there.</summary>
    public IReadOnlyList<Deployment> Deployments
    {
        get
        {
            lock (_lock)
                return [.. _deployments.Values];
        }
    }

    /// <summary>The program of the only machine says something.</summary>
    public void Say(string text, OutputStream stream = OutputStream.StandardOutput) => Change(() => _logs[_machines.Keys.Single()].Add((stream, text)));

    /// <summary>The program of the only machine ends.</summary>
    public void End(int code) => Change(() =>
    {
        (string name, WorkloadStatus status) = _machines.Single();
        Turn(name, status with { State = WorkloadState.Exited, ExitCode = code, Reason = "exited", Message = "it ended" });
    });

    private NodeStatus Status()
    {
        Resources all = new() { Machines = 5, Cpu = 4, Memory = new ByteSize(1L << 30), Storage = new ByteSize(6L << 30) };
        return new NodeStatus
        {
            Stage = "ready",
            Conditions = [],
            Capacity = all,
            Used = all,
            Grant = new Grant
            {
                Grantee = "me",
                Version = 1,
                Machines = 5,
                Cpu = 4,
                Memory = all.Memory,
                Storage = all.Storage,
                Ports = GrantPorts,
                NotBefore = DateTimeOffset.UnixEpoch,
                Expires = DateTimeOffset.UnixEpoch,
                GraceSeconds = 1,
            },
        };
    }

    private DeploymentStatus Apply(Deployment deployment)
    {
        Change(() =>
        {
            if (HasRival && _deployments.GetValueOrDefault(deployment.Name) is { } old)
            {
                _deployments[deployment.Name] = old with
                {
                    Version = old.Version + 1,
                    Annotations = new Dictionary<string, string>(old.Annotations!) { ["rival"] = "was here" },
                };
                HasRival = false;
            }
            int expected = (_deployments.GetValueOrDefault(deployment.Name)?.Version ?? 0) + 1;
            if (deployment.Version != expected)
                throw new BusErrorException(ErrorCodes.Conflict, $"version {expected} comes next", "version");
            _deployments[deployment.Name] = deployment;
            if (deployment.Workloads.OfType<ZmachineWorkload>().FirstOrDefault() is { } machine && expected == 1)
            {
                _logs[deployment.Name] = [];
                _machines[deployment.Name] = new WorkloadStatus { Name = machine.Name, Type = "zmachine", State = WorkloadState.Stopped };
                Assert.False(machine.Data.Run);
            }
            Tell("deployment-applied", deployment.Name, null);
        });
        return StatusOf(deployment);
    }

    private DeploymentList List()
    {
        lock (_lock)
            return new DeploymentList { Deployments = [.. _deployments.Values.Select(StatusOf)] };
    }

    private Nothing Delete(DeploymentDelete body) => Change(() =>
    {
        if (_deployments.Values.SelectMany(d => d.Workloads).OfType<ZmachineWorkload>().SelectMany(m => m.Data.Networks)
            .Any(n => n.Network.StartsWith(body.Name + "/", StringComparison.Ordinal)))
            throw new BusErrorException(ErrorCodes.Conflict, "the network is used by a machine", "name");
        if (!_deployments.Remove(body.Name))
            throw new BusErrorException(ErrorCodes.NotFound, $"you have no deployment \"{body.Name}\" here", "name");
        _machines.Remove(body.Name);
        Tell("deployment-deleted", body.Name, null);
    });

    private Nothing Start(string name) => Change(() =>
    {
        WorkloadStatus before = _machines[name];
        if (Trouble is { } trouble && Troubles-- > 0)
        {
            Turn(name, before with { State = trouble.State, Reason = trouble.Reason, Message = "it is the test's" });
            _ = Task.Delay(50).ContinueWith(_ => Start(name), TaskScheduler.Default);
            return;
        }
        PlayedProgram program = Program(_deployments[name].Workloads.OfType<ZmachineWorkload>().Single().Data);
        Turn(name, before with { State = WorkloadState.Running, Starts = before.Starts + 1, Reason = null, Health = program.Health });
        if (program.Output.Length > 0)
            _logs[name].Add((OutputStream.StandardOutput, program.Output));
        if (program.Errors.Length > 0)
            _logs[name].Add((OutputStream.StandardError, program.Errors));
        if (program.Code is { } code)
            Turn(name, _machines[name] with { State = WorkloadState.Exited, ExitCode = code, Reason = program.Reason ?? "exited", Message = "it ended" });
    });

    private Nothing Stop(string name, object body) => Change(() =>
    {
        Asked.Add(body);
        bool runs = _machines[name].State == WorkloadState.Running;
        Turn(name, _machines[name] with { State = WorkloadState.Stopped, ExitCode = runs ? 143 : _machines[name].ExitCode });
    });

    private Nothing Restart(MachineStop body)
    {
        Stop(body.Deployment, body);
        return Start(body.Deployment);
    }

    private Nothing Kill(MachineKill body) => Change(() =>
    {
        Asked.Add(body);
        if (body.Signal is null or "KILL" or "SIGKILL")
            Turn(body.Deployment, _machines[body.Deployment] with { State = WorkloadState.Stopped, ExitCode = 137 });
    });

    private void Turn(string name, WorkloadStatus status)
    {
        _machines[name] = status;
        Tell("workload-state", name, status.State);
    }

    private void Tell(string kind, string name, WorkloadState? state) => _events.Add(new NodeEvent
    {
        Number = _events.Count + 1,
        Time = DateTimeOffset.UtcNow,
        Kind = kind,
        Deployment = name,
        Workload = state is null ? null : "main",
        State = state,
    });

    private Nothing Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        changed.SetResult();
        return new Nothing();
    }

    private DeploymentStatus StatusOf(Deployment deployment) => new()
    {
        Deployment = deployment,
        Workloads =
        [
            .. deployment.Workloads.Select(w => w is ZmachineWorkload ? _machines[deployment.Name]
                : new WorkloadStatus { Name = w.Name, Type = w is NetworkWorkload ? "network" : "zmount", State = WorkloadState.Running }),
        ],
    };

    private async IAsyncEnumerable<NodeEvent> Events(EventsWatch watch, [EnumeratorCancellation] CancellationToken cancellation)
    {
        long after = watch.After;
        lock (_lock)
            after = watch.New ? _events.Count : after;
        if (watch.New)
            yield return new NodeEvent { Number = after, Time = DateTimeOffset.UtcNow, Kind = EventKinds.Watching };
        while (true)
        {
            NodeEvent[] news;
            Task changed;
            lock (_lock)
                (news, changed) = ([.. _events.Where(e => e.Number > after)], _changed.Task);
            foreach (NodeEvent one in news)
                yield return one;
            after = news.LastOrDefault()?.Number ?? after;
            if (!watch.Follow)
                yield break;
            await changed.WaitAsync(cancellation);
        }
    }

    private async IAsyncEnumerable<LogPiece> Logs(MachineLogs request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        long position = request.After ?? -1;
        if (request.TailLines is { } lines && position < 0)
            position = Math.Max(0, _logs[request.Deployment].Count - lines);
        position = Math.Max(position, 0);
        while (true)
        {
            (OutputStream Stream, string Text)[] news;
            Task changed;
            lock (_lock)
                (news, changed) = ([.. _logs[request.Deployment].Skip((int)position)], _changed.Task);
            foreach ((OutputStream stream, string text) in news)
            {
                yield return new LogPiece
                {
                    Data = Convert.ToBase64String(Encoding.UTF8.GetBytes(text)),
                    Runs = [new LogRun(stream, Encoding.UTF8.GetByteCount(text), request.Times ? 0 : null)],
                    Time = request.Times ? DateTimeOffset.UnixEpoch : null,
                    Position = ++position,
                };
            }
            if (!request.Follow)
                yield break;
            await changed.WaitAsync(cancellation);
        }
    }

    private async IAsyncEnumerable<StatsPiece> Stats()
    {
        for (int i = 1; i <= 2; i++)
        {
            await Task.Yield();
            yield return new StatsPiece
            {
                Time = DateTimeOffset.UnixEpoch.AddSeconds(i),
                Machines = [.. _machines.Select(m => new MachineSample
                {
                    Deployment = m.Key,
                    Machine = m.Value.Name,
                    Starts = 1,
                    CpuNanoseconds = i * 500_000_000L,
                    HeldBytes = 96 << 20,
                    MemoryBytes = 256 << 20,
                    UsedBytes = 40 << 20,
                    ReceivedBytes = 3000,
                    SentBytes = 1000,
                    ReadBytes = 5000,
                    WrittenBytes = 2000,
                    Pids = 7,
                    PidsLimit = 100,
                })],
            };
        }
    }
}
