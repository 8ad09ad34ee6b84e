using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Guests;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>
/// One machine as the node sees it: the control socket to its monitor, its serial output, its guest's connection, and the ladder by which it stops. One
/// thread reads what comes from the monitor, which is hostile and bounded; the guest's connection has its own. What is told to <see cref="IMachineEvents"/>
/// is told under one lock, so that it comes one at a time.
/// </summary>
internal sealed class RunningMachine : IGuestEvents
{
    private const ulong ControlToken = 1, SerialToken = 2, WakeToken = 3;
    private const int GuestMayTakeMs = 10_000, MaxReason = 256;
    private readonly InitConnection _init;
    private readonly IMachineEvents _events;
    private readonly KernelLog _log;
    private readonly MachineRecord _record;
    private readonly SeqPacketSocket _control;
    private readonly FileDescriptor _serialPipe;
    private readonly SerialLog _serial = new();
    private readonly StopLadder _stop = new();
    private readonly EventFd _wake = new();
    private readonly Lock _telling = new();
    private readonly Lock _state = new();
    private readonly byte[] _buffer = new byte[SeqPacketSocket.MaxMessage];
    private GuestConnection? _guest;
    private bool _guestIsGreeted;
    private HeldProcess? _end;
    private long _guestUntil;
    private string? _lastWords;
    private readonly Thread _thread;
    private bool _reportedStart;
    private bool _moreControl;
    private bool _letGo;

    internal RunningMachine(string process, MachineRecord record, SeqPacketSocket control, FileDescriptor serialPipe, InitConnection init, IMachineEvents events, KernelLog log)
    {
        (Process, _record, _control, _serialPipe, _init, _events, _log) = (process, record, control, serialPipe, init, events, log);
        _thread = new Thread(Loop, 256 * 1024) { Name = "machine", IsBackground = true };
    }

    /// <summary>The monitor's name at PID 1.</summary>
    public string Process { get; }

    /// <summary>The machine.</summary>
    public WorkloadId Id => _record.Id;

    /// <summary>The monitor has ended.</summary>
    public bool HasEnded => Volatile.Read(ref _end) is not null;

    /// <summary>Starts the thread. An adopted monitor is greeted: it says its state, and lets its guest connect anew.</summary>
    public void Run(bool adopted)
    {
        if (adopted)
            Tell(new MonitorMessage { Verb = MonitorVerb.Hello });
        _thread.Start();
    }

    /// <summary>Lets go of the machine, which goes on without this node: nothing is told any more, and nothing read that the next node should read.</summary>
    public void LetGo()
    {
        lock (_state)
        {
            if (_letGo || _end is not null)
                return;
            _letGo = true;
            _wake.Signal();
        }
        _thread.Join();
    }

    /// <summary>Begins the way down.</summary>
    public void Stop(GuestStop stop)
    {
        lock (_state)
        {
            _stop.Ask(stop, Environment.TickCount64);
            if (_guestIsGreeted)
                _guest?.Stop(stop);
            if (_end is null && !_letGo)
                _wake.Signal();
        }
    }

    /// <summary>PID 1 says the monitor has ended.</summary>
    public void ProcessEnded(HeldProcess end)
    {
        lock (_state)
        {
            if (_end is not null || _letGo)
                return;
            _guestUntil = Environment.TickCount64 + GuestMayTakeMs;
            Volatile.Write(ref _end, end);
            _wake.Signal();
        }
    }

    void IGuestEvents.Hello(GuestConnection connection, GuestHello hello)
    {
        if (!hello.HasSpec)
            connection.SendSpec(_record.Spec with { UnixTimeNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100 });
        long from;
        lock (_telling)
            from = _events.OutputWantedFrom(Id);
        connection.LogsFrom(from);
        if (hello.Running)
            ReportStart();
        lock (_state)
        {
            if (connection != _guest)
                return;
            _guestIsGreeted = true;
            if (_stop.Asked is { } stop)
                connection.Stop(stop);
        }
    }

    void IGuestEvents.Started(GuestConnection connection, GuestStarted started) => ReportStart();

    void IGuestEvents.Exited(GuestConnection connection, GuestExited exited)
    {
        if (_record.Exited is null)
            _record.Add(new MachineFact { Exited = exited });
        connection.Acknowledge();
    }

    void IGuestEvents.Failed(GuestConnection connection, GuestFailure failure)
    {
        if (_record.Failed is null)
            _record.Add(new MachineFact { Failed = failure });
        connection.Acknowledge();
    }

    void IGuestEvents.Log(GuestConnection connection, long offset, int stream, ReadOnlySpan<byte> bytes)
    {
        lock (_telling)
            _events.Output(Id, offset, stream, bytes);
    }

    void IGuestEvents.Closed(GuestConnection connection, string? violation)
    {
        if (violation is not null)
            _log.Warn($"machine={Id} guest connection ended: {violation}");
        lock (_state)
        {
            if (connection != _guest)
                return;
            _guest = null;
            if (_end is not null)
                _wake.Signal();
        }
    }

    private void ReportStart()
    {
        lock (_telling)
        {
            if (_reportedStart)
                return;
            _reportedStart = true;
            _events.Started(Id);
        }
    }

    private void Loop()
    {
        using Epoll epoll = new();
        epoll.Add(_wake.Descriptor, Readiness.Readable, WakeToken);
        epoll.Add(_control.Descriptor, Readiness.Readable, ControlToken);
        epoll.Add(_serialPipe, Readiness.Readable, SerialToken);
        Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[4];
        while (true)
        {
            int timeout;
            lock (_state)
            {
                // The guest's last words are in its socket still; wait for them, but not for ever.
                long now = Environment.TickCount64;
                timeout = _end is null ? _stop.TimeoutFrom(now) : _guest is null ? 0 : (int)Math.Max(0, _guestUntil - now);
            }
            int count = timeout == 0 ? 0 : epoll.Wait(ready, timeout);
            _ = _wake.Take();
            if (Volatile.Read(ref _letGo))
            {
                Close();
                return;
            }
            for (int i = 0; i < count; i++)
            {
                // A peer that hung up stays readable for ever; it is not listened to any more.
                if (ready[i].Token == ControlToken && !ReadControl())
                    epoll.Remove(_control.Descriptor);
                if (ready[i].Token == SerialToken && !ReadSerial())
                    epoll.Remove(_serialPipe);
            }
            if (HasEnded)
            {
                _ = ReadSerial();
                while (ReadControl())
                {
                    if (!_moreControl)
                        break;
                }
                bool guestIsGone;
                lock (_state)
                    guestIsGone = _guest is null || Environment.TickCount64 >= _guestUntil;
                if (guestIsGone)
                    break;
                continue;
            }
            Climb();
        }
        Report();
    }

    private void Climb()
    {
        StopStep step;
        lock (_state)
            step = _stop.Take(Environment.TickCount64);
        if (step == StopStep.PowerButton)
        {
            _log.Warn($"machine={Id} did not stop when asked, pressing its power button");
            Tell(new MonitorMessage { Verb = MonitorVerb.PowerButton });
        }
        else if (step == StopStep.Kill)
        {
            _log.Warn($"machine={Id} did not stop by its power button, killing it");
            _init.Kill(Process);
        }
    }

    // False when nothing more will come. At most one message a call.
    private bool ReadControl()
    {
        _moreControl = false;
        Errno errno = _control.TryReceive(_buffer, out int length, out FileDescriptor[] descriptors, wait: false);
        if (errno == Errno.EAGAIN)
            return true;
        if (errno != Errno.None || length == 0)
            return false;
        _moreControl = true;
        MonitorMessage? message = null;
        try
        {
            message = JsonSerializer.Deserialize(_buffer.AsSpan(0, length), MonitorJson.Default.MonitorMessage);
        }
        catch (JsonException)
        {
            // Below: a monitor that speaks nonsense has been taken over by its guest.
        }
        switch (message)
        {
            case { Verb: MonitorVerb.State }:
                if (message.Reason is { } reason)
                    _lastWords = Plain(reason);
                break;
            case { Verb: MonitorVerb.VsockAccepted, Port: GuestProtocol.Port } when descriptors.Length == 1:
                Adopt(descriptors[0]);
                return true;
            case { Verb: MonitorVerb.VsockAccepted or MonitorVerb.Statistics }:
                break;
            default:
                _log.Error($"machine={Id} its monitor broke the protocol, killing it");
                _lastWords = "the monitor broke the protocol";
                if (!HasEnded)
                    _init.Kill(Process);
                break;
        }
        foreach (FileDescriptor descriptor in descriptors)
            descriptor.Dispose();
        return true;
    }

    // Any process in the guest may dial the port; only the newest connection counts, so a guest can harm nobody but itself and hold one thread.
    private void Adopt(FileDescriptor socket)
    {
        GuestConnection connection = new(socket, this);
        lock (_state)
        {
            _guest?.Dispose();
            (_guest, _guestIsGreeted) = (connection, false);
        }
        connection.Start();
    }

    private bool ReadSerial()
    {
        Span<byte> bytes = stackalloc byte[4096];
        for (int turn = 0; turn < 32; turn++)
        {
            Errno errno = _serialPipe.TryRead(bytes, out int read);
            if (errno == Errno.EAGAIN)
                return true;
            if (errno != Errno.None || read == 0)
                return false;
            _serial.Add(bytes[..read]);
        }
        return true;
    }

    private void Tell(MonitorMessage message)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, MonitorJson.Default.MonitorMessage);
        if (_control.TrySend(json, wait: false) is var errno && errno is not (Errno.None or Errno.EPIPE))
            _log.Warn($"machine={Id} monitor does not listen: {message.Verb} {errno}");
    }

    private void Report()
    {
        HeldProcess end = _end!;
        // Disks and taps are free from here on, for the machine's next life; only the record stays, until the end is stored.
        _init.Keep(Process, [_record.File]);
        Close();
        MonitorExit? exit = end.Code is int code ? (MonitorExit)code : null;
        string reason = MachineReason.Explain(exit, end.Signal, _record, _lastWords, _serial);
        lock (_telling)
        {
            _events.Ended(Id, new MachineEnd { Monitor = exit, MonitorSignal = end.Signal, Workload = _record.Exited, Failure = _record.Failed, Reason = reason });
        }
    }

    private void Close()
    {
        lock (_state)
        {
            _guest?.Dispose();
            _guest = null;
            _wake.Dispose();
        }
        _control.Dispose();
        _serialPipe.Dispose();
    }

    private static string Plain(string text) => new([.. text.Take(MaxReason).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);
}
