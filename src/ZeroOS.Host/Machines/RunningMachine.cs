using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Host.Loops;
using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>
/// One machine as the node sees it: the control socket to its monitor, its serial output, and the ladder by which it stops. It lives on the loop's thread;
/// what comes from the monitor is hostile, bounded, and read one message a turn. What throws here ends this machine's monitor. Its guest's connections are
/// in <see cref="GuestPlace"/>; what is told to <see cref="IMachineEvents"/> is told in order by a worker.
/// </summary>
internal sealed class RunningMachine : ILoopClient
{
    private const int GuestMayTakeMs = 10_000, KillAgainAfterMs = 5_000, MaxReason = 256, MessagesAtEnd = 1024, SerialReads = 16;
    private readonly MachineContext _context;
    private readonly ClientLoop _loop;
    private readonly IMachineEvents _events;
    private readonly MachineRecord _record;
    private readonly SeqPacketSocket _control;
    private readonly FileDescriptor _serialPipe;
    private readonly SerialLog _serial = new();
    private readonly StopLadder _stop = new();
    private readonly OrderedWork _asking;
    private readonly MachineEventQueue _queue;
    private readonly GuestPlace _guests;
    private readonly MachineMeter _meter;
    private readonly int _pid;
    private LoopWatch? _controlWatch, _serialWatch;
    private HeldProcess? _end;
    private long _guestUntil;
    private long _killAgainAt = long.MaxValue;
    private bool _killing;
    private bool _draining;
    private bool _finished;
    private bool _memoryPressure;
    private string? _lastWords;

    internal RunningMachine(string process, MachineRecord record, SeqPacketSocket control, FileDescriptor serialPipe, int pid, MachineContext context,
        IMachineEvents events)
    {
        (Process, _record, _control, _serialPipe, _context, _loop, _events) = (process, record, control, serialPipe, context, context.Loop, events);
        _pid = pid;
        _asking = new OrderedWork(context.Asking);
        _queue = new MachineEventQueue(this, context);
        _guests = new GuestPlace(record, context, events, _queue, () => _stop.Asked, use => _meter!.Hear(use), GuestGone);
        _queue.Room = _guests.MayRead;
        _meter = new MachineMeter(pid, record.MemoryBytes, context.Memory.Resident, () => Tell(new MonitorMessage { Verb = MonitorVerb.GetStatistics }),
            _guests.AskForUse);
    }

    /// <summary>The monitor's name at PID 1.</summary>
    public string Process { get; }

    /// <summary>The machine.</summary>
    public WorkloadId Id => _record.Id;

    /// <summary>Bytes the guest was asked to give up; only on the loop's thread.</summary>
    public long Balloon { get; private set; }

    /// <summary>What the machine has of the node's memory now; only on the loop's thread.</summary>
    public MemoryUse Memory => new(Process, Id.Tenant, _record.MemoryBytes, _record.ReservedBytes, _context.Memory.Resident(_pid), Balloon);

    /// <summary>The monitor has ended.</summary>
    public bool HasEnded => Volatile.Read(ref _end) is not null;

    /// <summary>Begins to listen. An adopted monitor is greeted: it says its state, and lets its guest connect anew.</summary>
    public void Run(bool adopted) => _loop.Post(this, () =>
    {
        if (adopted)
        {
            Tell(new MonitorMessage { Verb = MonitorVerb.Hello });
            // What the former node asked for is not known.
            SetBalloon(0);
        }
        _context.Memory.Add(this);
        _controlWatch = _loop.Watch(this, _control.Descriptor);
        _serialWatch = _loop.Watch(this, _serialPipe);
    });

    /// <summary>Begins the way down.</summary>
    public void Stop(GuestStop stop) => _loop.Post(this, () =>
    {
        _stop.Ask(stop, ClientLoop.Now);
        _guests.Stop(stop);
        SetDue();
    });

    /// <summary>Hands the guest one signal for its workload; from any thread.</summary>
    /// <exception cref="WorkloadException">As <see cref="IMachines.SignalAsync"/> says.</exception>
    public Task SignalAsync(int signal, CancellationToken cancellation)
    {
        TaskCompletionSource handed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool posted = _loop.Post(this, () =>
        {
            if (_guests.Signal(signal))
                handed.SetResult();
            else
                handed.SetException(new WorkloadException("not-running", "its program has not started or has ended, or its guest is not connected just now"));
        });
        // A loop that ends drops what has had no turn.
        return posted ? handed.Task.WaitAsync(cancellation) : Task.FromException(new WorkloadException("not-running", "the node ends"));
    }

    /// <summary>Has the guest dial for a session; from any thread.</summary>
    /// <exception cref="WorkloadException">As <see cref="IMachines.OpenSessionAsync"/> says.</exception>
    public Task<Stream> OpenSessionAsync(string kind, CancellationToken cancellation) => _guests.OpenSessionAsync(kind, cancellation);

    /// <summary>Measures what the machine uses; from any thread.</summary>
    /// <exception cref="WorkloadException">As <see cref="IMachines.UseAsync"/> says.</exception>
    public async Task<MachineUse> UseAsync(CancellationToken cancellation)
    {
        TaskCompletionSource<Task<MachineUse>> turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool posted = _loop.Post(this, () =>
        {
            turn.SetResult(HasEnded ? Task.FromException<MachineUse>(new WorkloadException("not-running", "the machine ended")) : _meter.Measure());
            SetDue();
        });
        if (!posted)
            throw new WorkloadException("not-running", "the node ends");
        Task<MachineUse> answer = await turn.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return await answer.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Asks the guest to give up memory; only on the loop's thread.</summary>
    public void SetBalloon(long bytes)
    {
        Balloon = bytes;
        Tell(new MonitorMessage { Verb = MonitorVerb.SetBalloon, BalloonBytes = bytes });
    }

    /// <summary>Kills the machine, because the node needs the memory; only on the loop's thread.</summary>
    public void KillForMemory()
    {
        _context.Log.Warn($"machine={Id} is killed: the node is short of memory, and it has more than its reservation");
        _memoryPressure = true;
        Kill();
    }

    /// <summary>PID 1 says the monitor has ended.</summary>
    public void ProcessEnded(HeldProcess end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is null)
            _loop.Post(this, TakeLastWords);
    }

    /// <summary>Lets go of the machine, which goes on without this node; the loop has ended, nothing is read any more that the next node should read.</summary>
    public void Abandon()
    {
        _record.Dispose();
        if (_finished)
            return;
        _finished = true;
        _guests.Abandon();
        _control.Dispose();
        _serialPipe.Dispose();
    }

    /// <summary>Lets go of the record of a machine that has ended, once its end is stored.</summary>
    public void Forget() => _record.Dispose();

    /// <inheritdoc/>
    public void OnReady(LoopWatch watch, Readiness ready)
    {
        // A peer that hung up stays readable for ever; it is not listened to any more.
        if (watch == _controlWatch ? !ReadControl() : !ReadSerial())
            _loop.Remove(watch);
    }

    /// <inheritdoc/>
    public void OnDue()
    {
        if (HasEnded)
        {
            Finish();
            return;
        }
        long now = ClientLoop.Now;
        if (now >= _killAgainAt)
            Kill();
        _meter.Tick();
        switch (_stop.Take(now))
        {
            case StopStep.PowerButton:
                _context.Log.Warn($"machine={Id} did not stop when asked, pressing its power button");
                Tell(new MonitorMessage { Verb = MonitorVerb.PowerButton });
                break;
            case StopStep.Kill:
                _context.Log.Warn($"machine={Id} did not stop by its power button, killing it");
                Kill();
                break;
            default:
                break;
        }
        SetDue();
    }

    /// <inheritdoc/>
    public void OnFault(Exception fault)
    {
        if (_finished)
            return;
        _context.Log.Error($"machine={Id} cannot be served, ending it: {fault.GetType().Name}: {fault.Message}");
        _lastWords ??= "the node could not serve it";
        _loop.Remove(_controlWatch);
        _loop.Remove(_serialWatch);
        if (HasEnded)
            Finish();
        else
            Kill();
    }

    // False when nothing more will come.
    private bool ReadControl()
    {
        MonitorInput input = MonitorInput.Read(_control, _context.MessageBuffer);
        switch (input.Said)
        {
            case MonitorSaid.Message when input.Message!.Verb == MonitorVerb.Statistics:
                _meter.Hear(input.Message.Counters);
                break;
            case MonitorSaid.Message when input.Message!.Reason is { } reason:
                _lastWords = HostileText.Plain(reason, MaxReason);
                break;
            case MonitorSaid.Connection:
                _guests.Accept(input.Socket!);
                break;
            case MonitorSaid.Session:
                _guests.AcceptSession(input.Socket!);
                break;
            case MonitorSaid.Nonsense:
                _context.Log.Error($"machine={Id} its monitor broke the protocol, killing it");
                _lastWords = "the monitor broke the protocol";
                Kill();
                return false;
            default:
                break;
        }
        // While the process lives there is another turn; after its end everything there is has to be read at once.
        return input.Said != MonitorSaid.Gone && !(_draining && input.Said == MonitorSaid.Nothing);
    }

    private bool ReadSerial()
    {
        Span<byte> bytes = stackalloc byte[4096];
        for (int turn = 0; turn < SerialReads; turn++)
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

    private void Kill()
    {
        if (HasEnded || _killing)
            return;
        _killing = true;
        _killAgainAt = long.MaxValue;
        _asking.Post(() =>
        {
            try
            {
                _context.Init.Kill(Process);
            }
            catch (Exception e)
            {
                _context.Log.Error($"machine={Id} cannot be killed yet: {e.Message}");
                _loop.Post(this, () =>
                {
                    (_killing, _killAgainAt) = (false, ClientLoop.Now + KillAgainAfterMs);
                    SetDue();
                });
            }
        });
    }

    private void TakeLastWords()
    {
        _meter.End();
        _guestUntil = ClientLoop.Now + GuestMayTakeMs;
        _loop.Remove(_controlWatch);
        _loop.Remove(_serialWatch);
        _ = ReadSerial();
        _draining = true;
        for (int messages = 0; messages < MessagesAtEnd && ReadControl(); messages++)
        {
        }
        _draining = false;
        GuestGone();
        SetDue();
    }

    // The guest's last words are in its socket still; they are waited for, but not for ever.
    private void GuestGone()
    {
        if (HasEnded && !_draining && !_finished && _guests.IsEmpty)
            Finish();
    }

    private void SetDue()
    {
        if (_finished)
            return;
        long now = ClientLoop.Now;
        int ladder = _stop.TimeoutFrom(now);
        _loop.SetDue(this, HasEnded ? _guestUntil : Math.Min(Math.Min(_killAgainAt, _meter.Due), ladder < 0 ? long.MaxValue : now + ladder));
    }

    private void Tell(MonitorMessage message)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, MonitorJson.Default.MonitorMessage);
        if (_control.TrySend(json, wait: false) is var errno && errno is not (Errno.None or Errno.EPIPE))
            _context.Log.Warn($"machine={Id} monitor does not listen: {message.Verb} {errno}");
    }

    private void Finish()
    {
        if (_finished)
            return;
        _finished = true;
        _context.Memory.Remove(this);
        _loop.SetDue(this, long.MaxValue);
        _loop.Remove(_controlWatch);
        _loop.Remove(_serialWatch);
        _guests.Close();
        _control.Dispose();
        _serialPipe.Dispose();
        HeldProcess end = _end!;
        _asking.Post(() =>
        {
            try
            {
                // Disks and taps are free from here on, for the machine's next life; only the record stays, until the end is stored.
                _context.Init.Keep(Process, [_record.File]);
            }
            catch (Exception e)
            {
                _context.Log.Error($"machine={Id} its disks stay with PID 1 until its end is stored: {e.Message}");
            }
            _queue.Post(() => Report(end));
        });
    }

    private void Report(HeldProcess end)
    {
        MonitorExit? exit = end.Code is int code ? (MonitorExit)code : null;
        string reason = MachineReason.Explain(exit, end.Signal, _record, _lastWords, _serial);
        _events.Ended(Id, new MachineEnd
        {
            Monitor = exit,
            MonitorSignal = end.Signal,
            Workload = _record.Exited,
            Failure = _record.Failed,
            NotBooted = !_record.Claimed,
            MemoryPressure = _memoryPressure,
            Reason = reason,
        });
    }
}
