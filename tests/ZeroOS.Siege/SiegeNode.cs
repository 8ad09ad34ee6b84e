using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Init;
using ZeroOS.Linux;
using ZeroOS.Node.Bus;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Siege;

/// <summary>
/// A stand-in for role node and PID 1: the node's real bus with handlers that keep things in memory, and PID 1's real keeper of doors with its loop on a
/// thread. The door is the real role in a process of its own: a native one in the jail of PID 1's table where this is root, though in no control group; one run
/// by the installed runtime in none.
/// </summary>
internal sealed class SiegeNode : IAuthority, IBesieged
{
    /// <summary>A tenant's command that answers with what was asked.</summary>
    public static readonly Command<DeploymentName, DeploymentName> Echo = new("zos.deployment.get",
        BusJson.Default.DeploymentName, BusJson.Default.DeploymentName);

    /// <summary>The door's control group on a node.</summary>
    private const long DoorMemoryBytes = 256L << 20;

    private static readonly TimeSpan s_killEvery = TimeSpan.FromSeconds(3);

    private readonly NodeBus _bus;
    private readonly DoorKeeper _keeper;
    private Jailer? _jailer;
    private readonly FileDescriptor _listener;
    private readonly Thread _init;
    private readonly EventFd _wake = new();
    private readonly ConcurrentQueue<ProcessExit> _exits = new();
    private readonly string? _door;
    private readonly List<string> _log = [];
    private readonly bool _killDoor;
    private long _doorPeak;
    private int _killed;
    private volatile bool _replace;
    private volatile bool _end;

    public SiegeNode(SiegeOptions options)
    {
        (_door, _killDoor) = (options.Door, options.KillDoor);
        (_listener, Port) = Listen();
        _bus = new NodeBus(Identity, this, new MemoryReplayStore(), () => new NodeDescription("0.0.0", "unknown", "open", []), new LineLog(_log.Add));
        _bus.Routes
            .Add(Commands.NodeInfo, Roles.Anyone, _bus.Describe)
            .Add(Commands.GrantList, Roles.Owner, _ => new GrantList { Grants = [] })
            .Add(Commands.DeploymentList, Roles.Tenant, _ => new DeploymentList { Deployments = [] })
            .Add(Echo, Roles.Tenant, (_, name) => name)
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, _, cancellation) => EndlessAsync(cancellation));
        _bus.DoorBroken += Replace;
        _keeper = new DoorKeeper(() => _listener, StartDoor, pid => ChildProcess.TryKill(pid, SignalFd.SIGKILL), new KernelLog());
        _keeper.Want(true, Environment.TickCount64);
        _keeper.Answer();
        _init = new Thread(Init) { Name = "stand-in for PID 1", IsBackground = true };
        _init.Start();
    }

    public event Action? Changed { add { } remove { } }

    public string What => _door is null ? "door by the installed runtime, in no jail" : Jailed ? "door native, in its jail" : "door native, in no jail";

    public string Host => "127.0.0.1";

    public int Port { get; }

    public int Network => 127;

    public KeyId Id => Identity.Id;

    public IdentityKey Owner { get; } = IdentityKey.Generate();

    public IdentityKey Tenant { get; } = IdentityKey.Generate();

    public IdentityKey HostileTenant { get; } = IdentityKey.Generate();

    /// <summary>Whether a native door is put into its jail.</summary>
    private static bool Jailed => Environment.UserName == "root";

    private IdentityKey Identity { get; } = IdentityKey.Generate();

    public IEnumerable<KeyValuePair<string, Roles>> Known =>
        [new(Owner.Id.Text, Roles.Owner), new(Tenant.Id.Text, Roles.Tenant), new(HostileTenant.Id.Text, Roles.Tenant)];

    public Roles RolesOf(string keyId) => Known.FirstOrDefault(k => k.Key == keyId).Value;

    public Task AskAsTenantAsync(BusClient client, int number, CancellationToken cancellation) =>
        client.CallAsync(Echo, new DeploymentName { Name = new string('x', number % 5 == 0 ? 200_000 : 20) }, cancellation);

    public async Task WatchAsync(CancellationToken cancellation)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(500));
        Stopwatch sinceKilled = Stopwatch.StartNew();
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                _doorPeak = Math.Max(_doorPeak, PeakOf(_keeper.Pid));
                if (!_killDoor || sinceKilled.Elapsed < s_killEvery || _keeper.Pid == 0)
                    continue;
                sinceKilled.Restart();
                _killed++;
                Replace();
            }
        }
        catch (OperationCanceledException)
        {
            // the time is over
        }
    }

    public bool Report()
    {
        int died = _keeper.Starts - 1 - _killed;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"door: peak memory {_doorPeak >> 20} MiB of {DoorMemoryBytes >> 20}, died {died} times, killed {_killed} times; "
            + $"node: managed heap {GC.GetTotalMemory(false) >> 20} MiB"));
        _log.Take(20).ToList().ForEach(l => Console.WriteLine($"log: {l}"));
        return died == 0 && _doorPeak < DoorMemoryBytes;
    }

    public void Dispose()
    {
        _end = true;
        _wake.Signal();
        _init.Join();
        _bus.Dispose();
        _listener.Dispose();
    }

    /// <summary>Ends the door, as a fault of its own would.</summary>
    private void Replace()
    {
        _replace = true;
        _wake.Signal();
    }

    private static long PeakOf(int pid)
    {
        try
        {
            string line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return 0;       // between two doors
        }
    }

    private static (FileDescriptor, int) Listen()
    {
        for (int port = 28051; ; port++)
        {
            try
            {
                return (ListeningSocket.Open((ushort)port, backlog: 4096, deferSeconds: 10), port);
            }
            catch (LinuxException e) when (e.Errno == Errno.EADDRINUSE && port < 28151)
            {
                // somebody else's siege
            }
        }
    }

    private int StartDoor(FileDescriptor link, FileDescriptor listener) =>
        _door is not null && Jailed ? StartJailed(_door, link, listener) : StartPlain(link, listener);

    private int StartJailed(string door, FileDescriptor link, FileDescriptor listener)
    {
        // A file takes the place of the control group: whoever runs the siege has none to give away.
        string groups = Path.Combine(Path.GetTempPath(), $"zsiege-{Environment.ProcessId}");
        Directory.CreateDirectory($"{groups}/door");
        File.WriteAllText($"{groups}/door/cgroup.procs", "");
        _jailer ??= new Jailer(new ControlGroups(groups, new LinuxBootKernel()), door, _ => door, () => { });
        return _jailer.StartDoor(link, listener);
    }

    private int StartPlain(FileDescriptor link, FileDescriptor listener)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        using FileDescriptor error = new FileDescriptor(2).Duplicate();
        string assembly = Path.Combine(AppContext.BaseDirectory, "zeroos.dll"),
            configuration = Path.Combine(AppContext.BaseDirectory, "zsiege.runtimeconfig.json"),
            packages = Path.Combine(AppContext.BaseDirectory, "zsiege.deps.json");
        return ChildProcess.Spawn(new ChildStart
        {
            Path = _door ?? "/usr/bin/env",
            Arguments = _door is not null ? ["zeroos", "door"]
                : ["env", "dotnet", "exec", "--runtimeconfig", configuration, "--depsfile", packages, assembly, "door"],
            Environment = [$"PATH={Environment.GetEnvironmentVariable("PATH")}", $"HOME={Environment.GetEnvironmentVariable("HOME")}",
                "DOTNET_GCHeapHardLimit=8000000", .. Environment.GetEnvironmentVariable("DOTNET_ROOT") is string root ? (string[])[$"DOTNET_ROOT={root}"] : []],
            Descriptors = [(nothing, 0), (nothing, 1), (error, 2), (link, 10), (listener, 11)],
        });
    }

    /// <summary>PID 1's loop, as far as it is about doors.</summary>
    private void Init()
    {
        using Epoll epoll = new();
        epoll.Add(_wake.Descriptor, Readiness.Readable, 1);
        Span<(ulong, Readiness)> ready = stackalloc (ulong, Readiness)[1];
        while (!_end)
        {
            long now = Environment.TickCount64;
            if (_keeper.Tick(now) is { } link)
            {
                int pid = _keeper.Pid;
                new Thread(() => Reap(pid)) { IsBackground = true }.Start();
                _bus.Attach(link);
            }
            epoll.Wait(ready, (int)Math.Clamp(_keeper.DueAt - now, 0, 1000));
            _wake.Take();
            if (_replace)
                _keeper.Replace("asked");
            _replace = false;
            while (_exits.TryDequeue(out ProcessExit exit))
            {
                if (_jailer?.LastWords(exit.Pid) is { Length: > 0 } words)
                    Console.Error.WriteLine($"door {exit.Pid} said: {words}");
                _keeper.Ended(exit, Environment.TickCount64);
            }
        }
        if (_keeper.Pid != 0)
            _ = ChildProcess.TryKill(_keeper.Pid, SignalFd.SIGKILL);
    }

    private void Reap(int pid)
    {
        if (ChildProcess.TryWait(pid, out ProcessExit exit) != Errno.None)
            return;
        _exits.Enqueue(exit);
        _wake.Signal();
    }

    private static async IAsyncEnumerable<NodeEvent> EndlessAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        string filler = new('x', 4000);
        for (long n = 1; !cancellation.IsCancellationRequested; n++)
        {
            yield return new NodeEvent { Number = n, Time = DateTimeOffset.UtcNow, Kind = "siege", Message = filler };
            await Task.Yield();
        }
    }
}
