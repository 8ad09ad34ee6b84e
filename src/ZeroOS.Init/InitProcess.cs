using ZeroOS.Contracts.Bus;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>
/// Role <c>init</c>, PID 1: boots by <see cref="BootSequence"/>, then supervises. One event loop owns all state; the reaper is the only other thread. It reads
/// nobody's bytes but the node's, bounded. If it fails the computer restarts, which is why there is so little here.
/// </summary>
internal sealed class InitProcess : IDisposable
{
    /// <summary>What PID 1 listens to; all else the kernel drops, because there is no handler.</summary>
    internal static readonly int[] Signals = [SignalFd.SIGINT, SignalFd.SIGTERM, SignalFd.SIGPWR];

    private const ulong SignalToken = 1, ReaperToken = 2, NodeToken = 3, ButtonToken = 4, RecordsToken = 5;
    private const int Backlog = 4096, DeferSeconds = 10;
    private const int FeedEveryMs = 10_000, NodeMayTakeMs = 100_000, StayReadableMs = 10_000;
    private readonly Boot _boot;
    private readonly KernelLog _log;
    private readonly Epoll _epoll = new();
    private readonly SignalFd _signals = new(Signals);
    private readonly Reaper _reaper = new();
    private readonly Supervisor _supervisor = new();
    private readonly PowerButtons _buttons = PowerButtons.Open();
    private readonly Jailer _jailer;
    private readonly SpawnService _service;
    private readonly DoorKeeper _door;
    private readonly TrialRule _trial;
    private readonly KernelLogPage? _logPage;
    private SeqPacketSocket? _node;
    private PowerRequest _goingDown;
    private long _downBy;
    private long _feedAt;

    private InitProcess(Boot boot)
    {
        _boot = boot;
        _log = boot.Log;
        _jailer = new Jailer(new ControlGroups(ControlGroups.Root, boot.Kernel), "/init", program => program, _reaper.ChildStarted);
        _service = new SpawnService(_jailer, _log);
        _door = new DoorKeeper(() => ListeningSocket.Open(BusPort.Tcp, Backlog, DeferSeconds), _jailer.StartDoor,
            pid => _jailer.Kill(pid, SignalFd.SIGKILL), _log);
        _trial = new TrialRule(boot.OnTrial, Environment.TickCount64);
        _logPage = boot.Screen?.LogPage is { } terminal ? KernelLogPage.TryOpen(terminal) : null;
    }

    /// <summary>Never returns on a node: the computer goes down instead.</summary>
    internal static int Run()
    {
        KernelLog log = new();
        AppDomain.CurrentDomain.UnhandledException += (_, e) => Die(log, e.ExceptionObject.ToString() ?? "unknown");
        try
        {
            StandardDescriptors.Fill();
            Boot boot = new(new LinuxBootKernel(), log);
            BootSequence.Run(boot, BootSequence.Steps);
            log.Info("boot done, starting node");
            using InitProcess init = new(boot);
            init.Loop();
        }
        catch (Exception e)
        {
            Die(log, e.ToString());
        }
        return 1;
    }

    public void Dispose()
    {
        _epoll.Dispose();
        _signals.Dispose();
    }

    private static void Die(KernelLog log, string why)
    {
        log.Open();
        log.Error($"PID 1 failed, restarting the computer: {why}");
        Computer.Sync();
        if (BootScreen.TryOpen() is { } screen)
        {
            screen.Fail(why);
            using EventFd nothing = new();
            _ = Polling.IsReadable(nothing.Descriptor, StayReadableMs);
        }
        _ = Computer.Restart();
    }

    private void Loop()
    {
        _reaper.Start();
        _epoll.Add(_signals.Descriptor, Readiness.Readable, SignalToken);
        _epoll.Add(_reaper.Ready.Descriptor, Readiness.Readable, ReaperToken);
        foreach (FileDescriptor button in _buttons.Descriptors)
            _epoll.Add(button, Readiness.Readable, ButtonToken);
        if (_logPage is not null)
            _epoll.Add(_logPage.Records, Readiness.Readable, RecordsToken);
        Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[8];
        while (true)
        {
            long now = Environment.TickCount64;
            if (now >= _feedAt)
            {
                _boot.Watchdog?.Feed();
                _feedAt = now + FeedEveryMs;
            }
            if (_trial.Over(now, _supervisor.Starts) is { } over)
                Begin(PowerRequest.Restart, over);
            if (_goingDown == PowerRequest.None && _supervisor.IsDue(now))
                StartNode(now);
            if (_goingDown == PowerRequest.None && _door.Tick(now) is { } link)
                GiveDoor(link);
            if (_goingDown != PowerRequest.None && (_supervisor.Pid == 0 || now >= _downBy))
                PowerSequence.GoDown(_goingDown, _reaper, _boot);
            int count = _epoll.Wait(ready, TimeoutFrom(now));
            for (int i = 0; i < count; i++)
                Handle(ready[i].Token, ready[i].Ready);
        }
    }

    private int TimeoutFrom(long now)
    {
        long next = _feedAt;
        if (_goingDown != PowerRequest.None)
            next = Math.Min(next, _downBy);
        else
            next = Math.Min(Math.Min(Math.Min(next, _trial.DueAt ?? long.MaxValue), _supervisor.Pid == 0 ? _supervisor.DueAt : long.MaxValue), _door.DueAt);
        return (int)Math.Clamp(next - now, 0, FeedEveryMs);
    }

    private void Handle(ulong token, Readiness ready)
    {
        switch (token)
        {
            case SignalToken:
                HandleSignals();
                break;
            case ReaperToken:
                HandleExits();
                break;
            case ButtonToken when _buttons.WasPressed():
                Begin(PowerRequest.PowerOff, "power button");
                break;
            case RecordsToken:
                _logPage?.Copy();
                break;
            case NodeToken when _node is not null:
                bool alive = (!ready.HasFlag(Readiness.Writable) || _service.Flush()) && (ready == Readiness.Writable || _service.Receive());
                if (!alive)
                    Disconnect();
                else
                    _epoll.Change(_node.Descriptor, Readiness.Readable | (_service.HasWaiting ? Readiness.Writable : Readiness.None), NodeToken);
                ServeDoor(_service.TakeDoorRequest());
                if (_service.TrialKept)
                    _trial.Kept();
                if (_service.Power != PowerRequest.None)
                    Begin(_service.Power, "the node asked");
                break;
            default:
                break;
        }
    }

    private void HandleSignals()
    {
        while (_signals.Take() is var signal && signal != 0)
        {
            if (signal == SignalFd.SIGINT)
                Begin(PowerRequest.Restart, "ctrl-alt-del");
            else if (signal == SignalFd.SIGPWR)
                Begin(PowerRequest.PowerOff, "power is failing");
        }
    }

    private void HandleExits()
    {
        _reaper.Ready.Take();
        while (_reaper.TryTake(out ProcessExit exit))
        {
            if (_jailer.LastWords(exit.Pid) is { Length: > 0 } words)
                _log.Warn($"process said pid={exit.Pid} words=\"{words}\"");
            if (exit.Pid == _supervisor.Pid)
            {
                _supervisor.Ended(Environment.TickCount64);
                Disconnect();
                if (_goingDown != PowerRequest.None)
                    continue;
                long waitMs = Math.Max(0, _supervisor.DueAt - Environment.TickCount64);
                _log.Error($"node ended how={exit} restart-in-ms={waitMs}");
                _boot.Screen?.Say($"the node ended ({exit}), starts again in {waitMs} ms; machines go on (F2: log)");
            }
            else if (!_door.Ended(exit, Environment.TickCount64))
            {
                _ = _service.Ended(exit);
            }
        }
        if (_node is not null && _service.HasWaiting)
            _epoll.Change(_node.Descriptor, Readiness.Readable | Readiness.Writable, NodeToken);
    }

    private void ServeDoor(DoorRequest request)
    {
        if (request == DoorRequest.Open)
            _door.Answer();
        else if (request == DoorRequest.Replace)
            _door.Replace("the node found it broken");
    }

    private void GiveDoor(SeqPacketSocket link)
    {
        _service.GiveDoor(link);
        if (_node is not null && _service.HasWaiting)
            _epoll.Change(_node.Descriptor, Readiness.Readable | Readiness.Writable, NodeToken);
    }

    private void StartNode(long now)
    {
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        using FileDescriptor? screen = _boot.Screen is null ? null : BootScreen.OpenForNode();
        using (theirs)
        {
            try
            {
                _supervisor.Started(_jailer.StartNode(theirs.Descriptor, screen, _boot.Settings), now);
            }
            catch (LinuxException e)
            {
                ours.Dispose();
                _supervisor.Ended(now);
                _log.Error($"node does not start: {e.Message}");
                return;
            }
        }
        _log.Info($"node started pid={_supervisor.Pid} starts={_supervisor.Starts}");
        _node = ours;
        _service.Connect(ours);
        _epoll.Add(ours.Descriptor, Readiness.Readable, NodeToken);
        _door.Want(true, now);
    }

    // A node that hung up without ending, or broke the protocol, is of no use any more.
    private void Disconnect()
    {
        if (_node is not null)
            _epoll.Remove(_node.Descriptor);
        _service.Disconnect();
        _door.Want(false, Environment.TickCount64);
        _node = null;
        if (_supervisor.Pid != 0)
            _ = _jailer.Kill(_supervisor.Pid, SignalFd.SIGKILL);
    }

    private void Begin(PowerRequest request, string why)
    {
        if (_goingDown != PowerRequest.None)
            return;
        _log.Info($"going down how={request} why={why}");
        _boot.Screen?.Say($"going down ({why}): machines have time to end");
        _goingDown = request;
        _downBy = Environment.TickCount64 + NodeMayTakeMs;
        _service.SayStopping();
    }
}
