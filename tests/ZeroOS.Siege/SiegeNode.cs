using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Init;
using ZeroOS.Linux;
using ZeroOS.Node.Bus;
using ZeroOS.Siege.Attackers;

namespace ZeroOS.Siege;

/// <summary>
/// A stand-in for role node and PID 1: the node's real bus with handlers that keep things in memory, and PID 1's real keeper of doors with its loop on a thread. The door is the real role
/// in a process of its own: a native one in the jail of PID 1's table where this is root, though in no control group; one run by the installed runtime in none.
/// </summary>
internal sealed class SiegeNode : IAuthority, IDisposable
{
    /// <summary>A tenant's command that answers with what was asked.</summary>
    public static readonly Command<DeploymentName, DeploymentName> Echo = new("zos.deployment.get", BusJson.Default.DeploymentName, BusJson.Default.DeploymentName);

    private readonly NodeBus _bus;
    private readonly DoorKeeper _keeper;
    private readonly FileDescriptor _listener;
    private readonly Thread _init;
    private readonly EventFd _wake = new();
    private readonly ConcurrentQueue<ProcessExit> _exits = new();
    private readonly byte[] _hostileSeed = new byte[32];
    private readonly string? _door;
    private volatile bool _replace;
    private volatile bool _end;

    public SiegeNode(SiegeOptions options)
    {
        _door = options.Door;
        new Random(options.Seed).NextBytes(_hostileSeed);
        HostileTenant = IdentityKey.FromSeed(_hostileSeed);
        OwnersMessage = Forgeries.NodeInfo(Owner);
        (_listener, Port) = Listen();
        _bus = new NodeBus(Identity, this, new MemorySeen(), () => new NodeDescription("0.0.0", "unknown", "open", []), Log.Add);
        _bus.Routes
            .Add(Commands.NodeInfo, Roles.Anyone, _bus.Describe)
            .Add(Commands.GrantList, Roles.Owner, _ => new GrantList { Grants = [] })
            .Add(Commands.DeploymentList, Roles.Tenant, _ => new DeploymentList { Deployments = [] })
            .Add(Echo, Roles.Tenant, (_, name) => name)
            .Add(Commands.EventsWatch, Roles.OwnerOrTenant, (_, _, cancellation) => EndlessAsync(cancellation));
        _bus.DoorBroken += Replace;
        _keeper = new DoorKeeper(() => _listener, StartDoor, pid => ChildProcess.TryKill(pid, SignalFd.SIGKILL), new KernelLog());
        _keeper.Want(true);
        _init = new Thread(Init) { Name = "stand-in for PID 1", IsBackground = true };
        _init.Start();
    }

    public event Action? Changed { add { } remove { } }

    public IdentityKey Identity { get; } = IdentityKey.Generate();

    public IdentityKey Owner { get; } = IdentityKey.Generate();

    public IdentityKey Tenant { get; } = IdentityKey.Generate();

    public IdentityKey HostileTenant { get; }

    public string HostileTenantSeed => Convert.ToBase64String(_hostileSeed);

    /// <summary>A message of the owner's that was overheard.</summary>
    public byte[] OwnersMessage { get; }

    public int Port { get; }

    public List<string> Log { get; } = [];

    /// <summary>Whether a native door is put into its jail.</summary>
    public static bool Jailed => Environment.UserName == "root";

    /// <summary>How many doors there were.</summary>
    public int Doors => _keeper.Starts;

    /// <summary>The door's process now; 0 between two.</summary>
    public int DoorPid => _keeper.Pid;

    public IEnumerable<KeyValuePair<string, Roles>> Known =>
        [new(Owner.Id.Text, Roles.Owner), new(Tenant.Id.Text, Roles.Tenant), new(HostileTenant.Id.Text, Roles.Tenant)];

    public Roles RolesOf(string keyId) => Known.FirstOrDefault(k => k.Key == keyId).Value;

    /// <summary>Ends the door, as a fault of its own would.</summary>
    public void Replace()
    {
        _replace = true;
        _wake.Signal();
    }

    public void Dispose()
    {
        _end = true;
        _wake.Signal();
        _init.Join();
        _bus.Dispose();
        _listener.Dispose();
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

    private int StartDoor(FileDescriptor link, FileDescriptor listener) => _door is not null && Jailed ? StartJailed(_door, link, listener) : StartPlain(link, listener);

    private static int StartJailed(string door, FileDescriptor link, FileDescriptor listener)
    {
        // A file takes the place of the control group: whoever runs the siege has none to give away.
        string groups = Path.Combine(Path.GetTempPath(), $"zsiege-{Environment.ProcessId}");
        Directory.CreateDirectory($"{groups}/door");
        File.WriteAllText($"{groups}/door/cgroup.procs", "");
        return new Jailer(new ControlGroups(groups, new LinuxBootKernel()), door, _ => door, () => { }).StartDoor(link, listener);
    }

    private int StartPlain(FileDescriptor link, FileDescriptor listener)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        using FileDescriptor error = new FileDescriptor(2).Duplicate();
        string assembly = Path.Combine(AppContext.BaseDirectory, "zeroos.dll"), configuration = Path.Combine(AppContext.BaseDirectory, "zsiege.runtimeconfig.json"),
            packages = Path.Combine(AppContext.BaseDirectory, "zsiege.deps.json");
        return ChildProcess.Spawn(new ChildStart
        {
            Path = _door ?? "/usr/bin/env",
            Arguments = _door is not null ? ["zeroos", "door"] : ["env", "dotnet", "exec", "--runtimeconfig", configuration, "--depsfile", packages, assembly, "door"],
            Environment = [$"PATH={Environment.GetEnvironmentVariable("PATH")}", $"HOME={Environment.GetEnvironmentVariable("HOME")}", "DOTNET_GCHeapHardLimit=8000000",
                .. Environment.GetEnvironmentVariable("DOTNET_ROOT") is string root ? (string[])[$"DOTNET_ROOT={root}"] : []],
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
                _keeper.Ended(exit, Environment.TickCount64);
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
