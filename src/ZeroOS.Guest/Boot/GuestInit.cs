using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Disks;
using ZeroOS.Guest.Health;
using ZeroOS.Guest.Network;
using ZeroOS.Guest.Node;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Users;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Boot;

/// <summary>The life of a guest, in order: mounts, the node, root, volumes, network, workload, its end, power off.</summary>
internal sealed class GuestInit : INodeOrders
{
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(10), s_buttonGrace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_sessionsEnd = AttachSession.ReadsWithin + TimeSpan.FromSeconds(1);
    private const long ClockToleranceNs = 100_000_000;

    private readonly OutputRing _ring = new(GuestProtocol.LogRingBytes, TimeSpan.FromSeconds(5));
    private readonly HealthReports _healthReports = new();
    private readonly Reaper _reaper = new(ChildProcess.TryWait);
    private readonly GuestSessions _sessions = new(DialSession);
    private readonly NodeLink _node;
    private readonly Lock _lock = new();
    private RunningWorkload? _workload;
    private HealthRunner? _health;
    private GuestStop? _stopBeforeStart;
    private string _stopSignal = "SIGTERM";
    private string _layerSerial = "";
    private volatile bool _buttonPressed;

    private GuestInit(long bootUs) => _node = new NodeLink(_ring, _healthReports, this, bootUs, DialNode);

    /// <summary>Runs one guest and switches it off; never returns.</summary>
    internal static void Run()
    {
        long bootUs = KernelClock.BootTimeNs / 1000;
        GuestConsole.Say($"up after {bootUs} us");
        try
        {
            SystemMounts.Mount();
            new GuestInit(bootUs).Live();
            SystemMounts.UnmountDisks();
        }
        catch (Exception e)
        {
            // The last line of defence of PID 1: a crash would be a kernel panic without a reason.
            GuestConsole.Say($"cannot go on: {e.Message}");
            Computer.Sync();
        }
        GuestConsole.Say("power off");
        _ = Computer.PowerOff();
    }

    /// <inheritdoc/>
    public void Stop(GuestStop stop)
    {
        lock (_lock)
        {
            // A workload on its way down is neither well nor unwell.
            _health?.End();
            if (_workload is null)
                _stopBeforeStart = stop;
            else
                _workload.Stop(SignalName.Parse(stop.Signal ?? _stopSignal), TimeSpan.FromMilliseconds(Math.Clamp(stop.GraceMs, 0, 86_400_000)));
        }
    }

    /// <inheritdoc/>
    public void Signal(int number)
    {
        lock (_lock)
            _workload?.Signal(number);
    }

    /// <inheritdoc/>
    public void GrowDisk(string serial)
    {
        try
        {
            if (serial == _layerSerial)
                RootFileSystem.GrowLayer(serial);
            else
                GuestVolumes.Grow(serial);
        }
        catch (Exception e) when (e is SetupException or IOException)
        {
            GuestConsole.Say($"disk {serial} did not grow: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dial(GuestSession order, byte[] secret) => _sessions.Dial(order, secret);

    /// <inheritdoc/>
    public GuestUse Use() => WorkloadUse.Read();

    private void Live()
    {
        _node.Start();
        PowerButton.Watch(PressButton);
        GuestSpec spec = _node.WaitForSpec();
        try
        {
            RunningWorkload workload = SetUp(spec);
            ExecStarter starter = new(spec, workload.OpenNamespaces, s => _reaper.Start(() => ChildProcess.Spawn(s)));
            _sessions.Open(SessionKind.All(workload.Streams, starter.Start, workload.OpenRoot, RootFileSystem.Layer));
            workload.OnEnd(_sessions.End);
            _node.ReportStarted(new GuestStarted { BootUs = KernelClock.BootTimeNs / 1000 });
            lock (_lock)
            {
                _workload = workload;
                WatchHealth(spec.Health, starter);
                if (_stopBeforeStart is { } stop)
                    Stop(stop);
            }
            GuestExited exited = workload.WaitForEnd();
            _health?.End();
            GuestConsole.Say($"workload ended with {exited.Code}{(exited.OutOfMemory ? ", out of memory" : "")}");
            _node.ReportExited(exited);
            // Whoever pressed the button wants the machine off; otherwise only the node knows when the end is stored.
            _node.WaitForAcknowledgement(_buttonPressed ? s_lastWords : null);
            _sessions.WaitUntilNone(s_sessionsEnd);
        }
        catch (SetupException e)
        {
            GuestConsole.Say($"{e.Stage}: {e.Message}");
            _node.ReportFailed(new GuestFailure { Stage = e.Stage, Message = e.Message, Code = e.Code });
            _node.WaitForAcknowledgement(s_lastWords);
        }
    }

    private void WatchHealth(GuestHealth? check, ExecStarter starter)
    {
        if (check is null)
            return;
        _health = new HealthRunner(check, Probes.For(check, starter.Start), _healthReports, _node.HealthCame);
        _health.Start();
    }

    private RunningWorkload SetUp(GuestSpec spec)
    {
        (_stopSignal, _layerSerial) = (spec.Process.StopSignal, spec.WritableDisk);
        SetClock(spec.UnixTimeNs);
        In("root", () => RootFileSystem.Mount(spec.RootDisk, spec.WritableDisk));
        In("volumes", () => GuestVolumes.Mount(spec.Mounts, spec.Tmpfs, RootFileSystem.Path));
        In("files", () => WriteFiles(spec.Files));
        In("network", () =>
        {
            CurrentThread.SetHostName(spec.Hostname);
            GuestNetwork.SetUp(spec.Nics);
            NameFiles.Mount(spec, RootFileSystem.Path);
        });
        In("sysctls", () => KernelSettings.Write(spec.Sysctls));
        In("limits", () => WorkloadCgroup.Limit(spec.Pids, spec.CpuQuota));
        ImageUser user = In("user", () => ResolveUser(spec.Process));
        IReadOnlyList<string> terminal = spec.Process.Tty ? ["TERM=xterm"] : [];
        EnterPlan plan = new()
        {
            Arguments = spec.Process.Arguments.Count > 0 ? spec.Process.Arguments : throw new SetupException("exec", "there is no program to run", 127),
            Environment = WorkloadEnvironment.Build([.. terminal, .. spec.Process.Environment], user.Home, spec.Hostname),
            WorkingDirectory = spec.Process.WorkingDirectory,
            Uid = user.Uid,
            Gid = user.Gid,
            Groups = user.Groups,
            Privileged = spec.Process.Privileged,
            Capabilities = spec.Process.Capabilities,
            Limits = spec.Process.Limits,
            ShmBytes = spec.ShmBytes,
            ReadOnlyRoot = spec.ReadOnlyRoot,
            Init = spec.Process.Init,
            OnTerminal = spec.Process.Tty,
        };
        if (spec.Process.Tty || spec.Process.Stdin)
            _ring.ExpectReader();
        return In("exec", () => RunningWorkload.Start(plan, spec.Process.Stdin, _reaper, _ring, _node.OutputCame));
    }

    private static StreamSocket? DialNode(out Errno errno) => StreamSocket.TryDialHost(GuestProtocol.Port, out errno);

    private static StreamSocket? DialSession(out Errno errno) => StreamSocket.TryDialHost(GuestProtocol.SessionPort, out errno);

    private static void WriteFiles(IReadOnlyList<GuestFile> files)
    {
        using RootedDirectory root = new(RootFileSystem.Path);
        GuestFiles.Write(files, root);
    }

    private static ImageUser ResolveUser(GuestProcess process)
    {
        using RootedDirectory root = new(RootFileSystem.Path);
        return ImageUser.Resolve(process.User, root).With(process.Groups, root);
    }

    private static void SetClock(long unixTimeNs)
    {
        if (unixTimeNs > 0 && Math.Abs(KernelClock.UnixTimeNs - unixTimeNs) > ClockToleranceNs)
            KernelClock.SetUnixTime(unixTimeNs);
    }

    private void PressButton()
    {
        _buttonPressed = true;
        lock (_lock)
        {
            if (_workload is null)
            {
                GuestConsole.Say("power button before there was a workload");
                Computer.Sync();
                _ = Computer.PowerOff();
            }
            else
            {
                _health?.End();
                _workload.Stop(SignalName.Parse(_stopSignal), s_buttonGrace);
            }
        }
    }

    private static void In(string stage, Action step) => In(stage, () =>
    {
        step();
        return true;
    });

    // What the kernel refuses becomes a failure of the stage it happened in.
    private static T In<T>(string stage, Func<T> step)
    {
        try
        {
            return step();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            throw new SetupException(stage, e.Message);
        }
    }
}
