using System.Text.Json;

using ZeroOS.Contracts.Init;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>What the node asked to be done with the computer.</summary>
internal enum PowerRequest
{
    None, PowerOff, Restart,
}

/// <summary>What the node asked about its door.</summary>
internal enum DoorRequest
{
    None, Open, Replace,
}

/// <summary>
/// PID 1's side of the socket to the node: starts and ends processes, keeps descriptors and exit statuses over the node's death. It belongs to the event
/// loop's thread; nothing here waits, and a node that does not read is cut off.
/// </summary>
internal sealed class SpawnService(IJailer jailer, KernelLog log)
{
    private const long LeastMemory = 16 << 20;
    private const int MessagesAtOnce = 32, MaxWaiting = 4096;
    private readonly SortedDictionary<string, Child> _children = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, FileDescriptor[]> _kept = new(StringComparer.Ordinal);
    private readonly Queue<InitMessage> _waiting = new();
    private readonly byte[] _buffer = new byte[SeqPacketSocket.MaxMessage];
    private SeqPacketSocket? _node;
    private FileDescriptor? _doorLink;
    private DoorRequest _door;

    /// <summary>What the node asked for last.</summary>
    public PowerRequest Power { get; private set; }

    /// <summary>The node said that the version on trial is kept.</summary>
    public bool TrialKept { get; private set; }

    /// <summary>Takes what the node asked about its door since the last time.</summary>
    public DoorRequest TakeDoorRequest()
    {
        DoorRequest asked = _door;
        _door = DoorRequest.None;
        return asked;
    }

    /// <summary>Gives the node its end of a new door's link; the one before is forgotten.</summary>
    public void GiveDoor(SeqPacketSocket link)
    {
        _doorLink?.Dispose();
        _doorLink = link.Descriptor;
        Say(new InitMessage { Verb = InitVerb.Door });
    }

    /// <summary>Messages wait for room in the socket: call <see cref="Flush"/> when it is writable.</summary>
    public bool HasWaiting => _waiting.Count > 0;

    /// <summary>A new node listens on the other end; it asks for the hand-over itself.</summary>
    public void Connect(SeqPacketSocket node) => _node = node;

    /// <summary>The node is gone; everything else stays.</summary>
    public void Disconnect()
    {
        _node?.Dispose();
        _node = null;
        _doorLink?.Dispose();
        _doorLink = null;
        _door = DoorRequest.None;
        _waiting.Clear();
    }

    /// <summary>Handles what the node said; false when it has hung up or broken the protocol.</summary>
    public bool Receive()
    {
        for (int i = 0; i < MessagesAtOnce && _node is not null; i++)
        {
            Errno errno = _node.TryReceive(_buffer, out int length, out FileDescriptor[] descriptors, wait: false);
            if (errno == Errno.EAGAIN)
                return true;
            if (errno != Errno.None || length == 0)
                return false;
            if (!Handle(_buffer.AsSpan(0, length), descriptors))
                return false;
        }
        return true;
    }

    /// <summary>Sends what waits; false when the node has hung up.</summary>
    public bool Flush()
    {
        while (_node is not null && _waiting.TryPeek(out InitMessage? message))
        {
            // What was dropped while it waited is no longer handed over.
            bool hands = message.Verb is InitVerb.Kept or InitVerb.Door;
            FileDescriptor[] beside = message.Verb == InitVerb.Kept ? _kept.GetValueOrDefault(message.Name!) ?? []
                : hands && _doorLink is not null ? [_doorLink] : [];
            if (!hands || beside.Length > 0)
            {
                byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, InitJson.Default.InitMessage);
                Errno errno = _node.TrySend(json, [.. beside.Select(d => d.Number)], wait: false);
                if (errno == Errno.EAGAIN)
                    return true;
                if (errno != Errno.None)
                    return false;
            }
            if (message.Verb == InitVerb.Door)
            {
                _doorLink?.Dispose();
                _doorLink = null;
            }
            _waiting.Dequeue();
        }
        return true;
    }

    /// <summary>A child of PID 1 ended; false if it was none started here.</summary>
    public bool Ended(ProcessExit exit)
    {
        foreach (Child child in _children.Values)
        {
            if (child.Pid != exit.Pid || child.Exit is not null)
                continue;
            child.Exit = exit;
            jailer.Ended(child.Name);
            log.Info($"process ended name={child.Name} pid={exit.Pid} how={exit}");
            Say(Describe(child, InitVerb.Exited));
            return true;
        }
        return false;
    }

    /// <summary>Tells the node that the computer is about to go down.</summary>
    public void SayStopping() => Say(new InitMessage { Verb = InitVerb.Stopping });

    private bool Handle(ReadOnlySpan<byte> json, FileDescriptor[] descriptors)
    {
        bool taken = false;
        try
        {
            InitMessage? message;
            try
            {
                message = JsonSerializer.Deserialize(json, InitJson.Default.InitMessage);
            }
            catch (JsonException e)
            {
                log.Error($"node spoke nonsense: {e.Message}");
                return false;
            }
            if (message is null)
                return false;
            int? pid = null;
            string? error = message.Verb switch
            {
                InitVerb.Start => Start(message, descriptors, out pid),
                InitVerb.Kill => Kill(message),
                InitVerb.Keep => Keep(message, descriptors, out taken),
                InitVerb.Drop => Drop(message),
                InitVerb.HandOver => HandOver(),
                InitVerb.Acknowledge => Acknowledge(message),
                InitVerb.PowerOff => Ask(PowerRequest.PowerOff),
                InitVerb.Restart => Ask(PowerRequest.Restart),
                InitVerb.TrialKept => KeepTrial(),
                InitVerb.OpenDoor => Ask(DoorRequest.Open),
                InitVerb.ReplaceDoor => Ask(DoorRequest.Replace),
                _ => $"{message.Verb} is not for PID 1",
            };
            return Say(new InitMessage { Verb = InitVerb.Done, Id = message.Id, Error = error, Pid = pid });
        }
        finally
        {
            if (!taken)
                Close(descriptors);
        }
    }

    private string? Start(InitMessage request, FileDescriptor[] descriptors, out int? pid)
    {
        pid = null;
        if (!InitLimits.IsName(request.Name) || request.Program is not { } program || !Enum.IsDefined(program))
            return "a start needs a name of a-z, 0-9 and '-', and a program";
        if (_children.ContainsKey(request.Name!))
            return $"{request.Name} is there already";
        if (_children.Count >= InitLimits.MaxProcesses)
            return "too many processes";
        IReadOnlyList<string> arguments = request.Arguments ?? [];
        if (arguments.Count > InitLimits.MaxArguments || arguments.Any(a => a.Length > InitLimits.MaxArgumentLength || a.Contains('\0')))
            return "too many arguments, or one too long";
        if (request.MemoryBytes is not { } memory || memory < LeastMemory || memory > Jails.Of(program).MaxMemoryBytes)
            return $"the memory limit is not between {LeastMemory} and {Jails.Of(program).MaxMemoryBytes} bytes";
        if (request.FileBytes is { } bytes && (bytes < 0 || !(bytes <= Jails.Of(program).MostFileBytes)))
            return "the limit of a file is not one for this program";
        if (request.Processors is { } processors && (processors < 1 || processors > Jails.Of(program).MostProcessors))
            return "the number of processors is not one for this program";
        if (request.Output is int output && (output < 0 || output >= descriptors.Length))
            return "the output is none of the descriptors";
        uint uid = FreeUid();
        try
        {
            pid = jailer.Start(request, uid, descriptors);
        }
        catch (LinuxException e)
        {
            jailer.Ended(request.Name!);
            return e.Message;
        }
        _children[request.Name!] = new Child { Name = request.Name!, Program = program, Pid = pid.Value, Uid = uid };
        log.Info($"process started name={request.Name} program={program} pid={pid} uid={uid}");
        return null;
    }

    private string? Kill(InitMessage request)
    {
        if (request.Name is null || !_children.TryGetValue(request.Name, out Child? child))
            return $"{request.Name} is not there";
        if (request.Signal is not (SignalFd.SIGKILL or SignalFd.SIGTERM))
            return "only SIGKILL and SIGTERM are sent";
        // Once it has ended its number may belong to somebody else.
        Errno errno = child.Exit is null ? jailer.Kill(child.Pid, request.Signal.Value) : Errno.None;
        return errno is Errno.None or Errno.ESRCH ? null : $"kill: {errno}";
    }

    private string? Keep(InitMessage request, FileDescriptor[] descriptors, out bool taken)
    {
        taken = false;
        if (!InitLimits.IsName(request.Name) || descriptors.Length == 0)
            return "keeping needs a name and descriptors";
        if (_kept.Count >= InitLimits.MaxKept && !_kept.ContainsKey(request.Name!))
            return "too much is kept";
        Drop(request);
        _kept[request.Name!] = descriptors;
        taken = true;
        return null;
    }

    private string? Drop(InitMessage request)
    {
        if (request.Name is not null && _kept.Remove(request.Name, out FileDescriptor[]? old))
            Close(old);
        return null;
    }

    private string? HandOver()
    {
        foreach (Child child in _children.Values)
            Say(Describe(child, InitVerb.Process));
        foreach (string name in _kept.Keys)
            Say(new InitMessage { Verb = InitVerb.Kept, Name = name });
        return null;
    }

    private string? Acknowledge(InitMessage request)
    {
        if (request.Name is null || !_children.TryGetValue(request.Name, out Child? child))
            return null;
        if (child.Exit is null)
            return $"{request.Name} still runs";
        _children.Remove(request.Name);
        return null;
    }

    private string? Ask(PowerRequest request)
    {
        Power = request;
        return null;
    }

    private string? Ask(DoorRequest request)
    {
        _door = request;
        return null;
    }

    private string? KeepTrial()
    {
        TrialKept = true;
        return null;
    }

    private uint FreeUid()
    {
        HashSet<uint> taken = [.. _children.Values.Select(c => c.Uid)];
        uint uid = Jails.FirstUid;
        while (taken.Contains(uid))
            uid++;
        return uid;
    }

    private bool Say(InitMessage message)
    {
        if (_node is null)
            return true;
        if (_waiting.Count >= MaxWaiting)
            return false;
        _waiting.Enqueue(message);
        return Flush();
    }

    private static InitMessage Describe(Child child, InitVerb verb) => new()
    {
        Verb = verb,
        Name = child.Name,
        Program = child.Program,
        Pid = child.Pid,
        Code = child.Exit is { Signal: 0 } exit ? exit.Code : null,
        Signal = child.Exit is { Signal: > 0 } killed ? killed.Signal : null,
    };

    private static void Close(FileDescriptor[] descriptors)
    {
        foreach (FileDescriptor descriptor in descriptors)
            descriptor.Dispose();
    }

    private sealed class Child
    {
        public required string Name { get; init; }

        public required JailedProgram Program { get; init; }

        public required int Pid { get; init; }

        public required uint Uid { get; init; }

        public ProcessExit? Exit { get; set; }
    }
}
