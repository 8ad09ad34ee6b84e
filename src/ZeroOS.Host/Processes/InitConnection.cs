using System.Collections.Concurrent;
using System.Text.Json;

using ZeroOS.Contracts.Init;
using ZeroOS.Linux;

namespace ZeroOS.Host.Processes;

/// <summary>A process PID 1 holds for the node; ended if it has a code or a signal.</summary>
public sealed record HeldProcess(string Name, JailedProgram Program, int Pid, int? Code, int? Signal)
{
    /// <summary>It has ended and waits to be acknowledged.</summary>
    public bool HasEnded => Code is not null || Signal is not null;
}

/// <summary>What a former node left at PID 1; the caller owns the descriptors.</summary>
public sealed record HandedOver(IReadOnlyList<HeldProcess> Processes, IReadOnlyDictionary<string, FileDescriptor[]> Kept);

/// <summary>PID 1 refused.</summary>
public sealed class InitRefusedException(string message) : IOException(message);

/// <summary>
/// The node's side of the socket to PID 1. Requests wait for their answer (microseconds, PID 1 never waits for anything); events come one at a time on a
/// thread of their own, so that a handler may ask things in turn. Set the events before <see cref="Listen"/>.
/// </summary>
public sealed class InitConnection : IDisposable
{
    private const int AnswerWithinMs = 30_000;
    private readonly SeqPacketSocket _socket;
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<InitMessage>> _asked = new();
    private readonly Lock _sending = new();
    private readonly List<HeldProcess> _processes = [];
    private readonly Dictionary<string, FileDescriptor[]> _kept = new(StringComparer.Ordinal);
    private readonly BlockingCollection<Action> _events = [];
    private Thread? _hearing;
    private uint _lastId;

    /// <summary>Takes ownership of the node's end.</summary>
    public InitConnection(SeqPacketSocket socket) => _socket = socket;

    /// <summary>A process has ended. It stays known to PID 1 until <see cref="Acknowledge"/>.</summary>
    public event Action<HeldProcess>? Exited;

    /// <summary>The computer goes down: stop the guests, store what is to be stored, and end this process.</summary>
    public event Action? Stopping;

    /// <summary>A door has been started; the handler owns the node's end of its link.</summary>
    public event Action<SeqPacketSocket>? DoorOpened;

    /// <summary>PID 1 hung up; there is nothing left to do but end.</summary>
    public event Action? Closed;

    /// <summary>Where it is said that a handler of an event threw, or that a message could not be read. Set before <see cref="Listen"/>.</summary>
    public ILog? Log { get; set; }

    /// <summary>The connection PID 1 gave this process at birth.</summary>
    public static InitConnection FromInit()
    {
        CurrentThread.CloseOnExec(InitLimits.FirstDescriptor, InitLimits.FirstDescriptor);
        return new InitConnection(new SeqPacketSocket(new FileDescriptor(InitLimits.FirstDescriptor)));
    }

    /// <summary>Starts hearing PID 1.</summary>
    public void Listen()
    {
        _hearing = new Thread(Hear) { Name = "init-connection", IsBackground = true };
        _hearing.Start();
        new Thread(Tell) { Name = "init-events", IsBackground = true }.Start();
    }

    /// <summary>Everything PID 1 holds: after a restart of the node, what the former one left.</summary>
    public HandedOver HandOver()
    {
        Ask(new InitMessage { Verb = InitVerb.HandOver }, []);
        lock (_processes)
        {
            HandedOver all = new([.. _processes], new Dictionary<string, FileDescriptor[]>(_kept));
            _processes.Clear();
            _kept.Clear();
            return all;
        }
    }

    /// <summary>Starts a program in its jail and returns its process id. The descriptors arrive there from <see cref="InitLimits.FirstDescriptor"/> on; the
    /// caller keeps its own. <paramref name="output"/> is the index of the one that is also standard output and error.</summary>
    /// <exception cref="InitRefusedException">PID 1 or the kernel refused, with the reason.</exception>
    public int Start(JailedProgram program, string name, IReadOnlyList<string> arguments, long memoryBytes, IReadOnlyList<FileDescriptor> descriptors,
        int? output = null, long? fileBytes = null, int? processors = null) => Ask(
            new InitMessage
            {
                Verb = InitVerb.Start,
                Program = program,
                Name = name,
                Arguments = arguments,
                MemoryBytes = memoryBytes,
                Output = output,
                FileBytes = fileBytes,
                Processors = processors
            },
            descriptors).Pid ?? 0;

    /// <summary>Ends a process; one that has ended already is not an error.</summary>
    public void Kill(string name, int signal = SignalFd.SIGKILL) => Ask(new InitMessage { Verb = InitVerb.Kill, Name = name, Signal = signal }, []);

    /// <summary>Leaves duplicates of descriptors with PID 1 under a name, instead of what was there before.</summary>
    public void Keep(string name, IReadOnlyList<FileDescriptor> descriptors) => Ask(new InitMessage { Verb = InitVerb.Keep, Name = name }, descriptors);

    /// <summary>PID 1 closes what it keeps under a name.</summary>
    public void Drop(string name) => Ask(new InitMessage { Verb = InitVerb.Drop, Name = name }, []);

    /// <summary>The end of a process is stored; PID 1 forgets it and its name is free.</summary>
    public void Acknowledge(string name) => Ask(new InitMessage { Verb = InitVerb.Acknowledge, Name = name }, []);

    /// <summary>Switches the computer off in order; <see cref="Stopping"/> follows.</summary>
    public void PowerOff() => Ask(new InitMessage { Verb = InitVerb.PowerOff }, []);

    /// <summary>Restarts the computer in order; <see cref="Stopping"/> follows.</summary>
    public void Restart() => Ask(new InitMessage { Verb = InitVerb.Restart }, []);

    /// <summary>The version on trial is kept: PID 1 need not bring the one from before back.</summary>
    public void TrialKept() => Ask(new InitMessage { Verb = InitVerb.TrialKept }, []);

    /// <summary>The node answers doors: <see cref="DoorOpened"/> follows, for this door and for each that takes its place.</summary>
    public void OpenDoor() => Ask(new InitMessage { Verb = InitVerb.OpenDoor }, []);

    /// <summary>The door is broken: PID 1 starts another in its place.</summary>
    public void ReplaceDoor() => Ask(new InitMessage { Verb = InitVerb.ReplaceDoor }, []);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The number of a closed descriptor is the next one's: whoever reads by it must have stopped before.
        _socket.Shutdown();
        _hearing?.Join();
        _socket.Dispose();
    }

    private InitMessage Ask(InitMessage request, IReadOnlyList<FileDescriptor> descriptors)
    {
        TaskCompletionSource<InitMessage> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        uint id = Interlocked.Increment(ref _lastId);
        _asked[id] = answer;
        try
        {
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(request with { Id = id }, InitJson.Default.InitMessage);
            Errno errno;
            lock (_sending)
                errno = _socket.TrySend(json, [.. descriptors.Select(d => d.Number)]);
            if (errno != Errno.None)
                throw new InitRefusedException($"PID 1 cannot be told {request.Verb}: {errno}");
            if (!answer.Task.Wait(AnswerWithinMs))
                throw new InitRefusedException($"PID 1 did not answer {request.Verb}");
            return answer.Task.Result.Error is { } error ? throw new InitRefusedException($"{request.Verb} {request.Name}: {error}") : answer.Task.Result;
        }
        finally
        {
            _asked.TryRemove(id, out _);
        }
    }

    private void Hear()
    {
        byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
        while (_socket.TryReceive(buffer, out int length, out FileDescriptor[] descriptors) == Errno.None && length > 0)
        {
            try
            {
                Take(JsonSerializer.Deserialize(buffer.AsSpan(0, length), InitJson.Default.InitMessage)!, descriptors);
            }
            catch (Exception e)
            {
                // One message is lost, and who waits for it gives up in time; the next one is heard.
                Log?.Error($"init-connection: a message of PID 1 is lost: {e.GetType().Name}: {e.Message}");
            }
        }
        // Who waits for an answer hears now that none will come.
        foreach (TaskCompletionSource<InitMessage> asked in _asked.Values)
            asked.TrySetResult(new InitMessage { Verb = InitVerb.Done, Error = "PID 1 hung up" });
        _events.Add(() => Each(Closed, listener => listener()));
        _events.CompleteAdding();
    }

    private void Take(InitMessage message, FileDescriptor[] descriptors)
    {
        switch (message.Verb)
        {
            case InitVerb.Done when _asked.TryGetValue(message.Id, out TaskCompletionSource<InitMessage>? answer):
                answer.TrySetResult(message);
                break;
            case InitVerb.Process:
                lock (_processes)
                    _processes.Add(Held(message));
                break;
            case InitVerb.Kept:
                lock (_processes)
                    _kept[message.Name!] = descriptors;
                break;
            case InitVerb.Exited:
                HeldProcess ended = Held(message);
                _events.Add(() => Each(Exited, listener => listener(ended)));
                break;
            case InitVerb.Door when descriptors.Length == 1:
                SeqPacketSocket link = new(descriptors[0]);
                _events.Add(() => Each(DoorOpened, listener => listener(link)));
                break;
            case InitVerb.Stopping:
                _events.Add(() => Each(Stopping, listener => listener()));
                break;
            default:
                break;
        }
    }

    private void Tell()
    {
        foreach (Action happened in _events.GetConsumingEnumerable())
            happened();
    }

    // What one listener cannot do must not keep the others from hearing, nor end the node.
    private void Each<T>(T? listeners, Action<T> tell) where T : Delegate
    {
        foreach (T listener in Delegate.EnumerateInvocationList(listeners))
        {
            try
            {
                tell(listener);
            }
            catch (Exception e)
            {
                Log?.Error($"init-events: {e.GetType().Name}: {e.Message}");
            }
        }
    }

    private static HeldProcess Held(InitMessage message) => new(message.Name!, message.Program!.Value, message.Pid!.Value, message.Code, message.Signal);
}
