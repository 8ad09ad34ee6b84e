using System.Collections.Concurrent;
using System.Net.Sockets;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Doors;
using ZeroOS.Linux;
using ZeroOS.Node.Sessions;

namespace ZeroOS.Node.Bus;

/// <summary>What the node answers a door with: made once, used by every door there ever is.</summary>
internal sealed record DoorServices(Gate Gate, Dispatcher Dispatcher, Routes Routes, IAuthority Authority, ILog Log)
{
    /// <summary>Which envelopes may cost a look at their signature.</summary>
    public EnvelopeRates Rates { get; init; } = new(Authority, TimeProvider.System);

    /// <summary>Who opens sessions; null: nobody, and the table has no command for it.</summary>
    public ISessionServer? Sessions { get; init; }

    /// <summary>How long a door may take to hand a connection over.</summary>
    public TimeSpan HandWithin { get; init; } = DoorLimits.HandWithin;
}

/// <summary>
/// The node's end of the link to one door. It believes nothing of what comes: the gate looks at every envelope as if there were no door, and a door that goes
/// beyond the link's limits, or hands over what a door is there to refuse, is broken. One thread reads and writes and never waits for the door; answers are
/// made by tasks, at most as many as the limits say.
/// </summary>
internal sealed class DoorConnection : IDisposable
{
    private const int MessagesAtOnce = 64;
    private const ulong SocketToken = 1, WakeToken = 2;
    private static readonly TimeSpan s_lastAnswers = TimeSpan.FromSeconds(1);

    private readonly SeqPacketSocket _socket;
    private readonly DoorServices _services;
    private readonly Action<string?> _ended;
    private readonly EventFd _wake = new();
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _queue = new();
    private readonly ConcurrentDictionary<uint, DoorAnswer> _answers = new();
    private readonly Thread _thread;
    private readonly AutoResetEvent _oneEnded = new(false);
    private long _queuedBytes;
    private long _askedBytes;
    private int _asked;
    private int _others;
    private int _streams;
    private volatile string? _broken;
    private volatile bool _closing;

    /// <summary>
    /// Takes ownership of the node's end. <paramref name="ended"/> is told once, with the reason if the door is broken and has to be replaced.
    /// </summary>
    public DoorConnection(SeqPacketSocket socket, DoorServices services, Action<string?> ended)
    {
        (_socket, _services, _ended) = (socket, services, ended);
        _thread = new Thread(Run) { Name = "door-link", IsBackground = true };
    }

    /// <summary>Begins to hear the door, whom the table of keys is told first.</summary>
    public void Start()
    {
        TellKeys();
        _thread.Start();
    }

    /// <summary>Tells the door who has a role now.</summary>
    public void TellKeys()
    {
        _services.Rates.Forget();
        foreach (byte[] message in DoorKeys.Write(_services.Authority.Known.Select(k => KeyValuePair.Create(k.Key, (byte)k.Value))))
            Send(message);
    }

    /// <summary>
    /// Hangs up and waits until nothing of the door's is running any more. What is being answered has a moment: it may be what the node hangs up for.
    /// </summary>
    public void Dispose()
    {
        long until = Environment.TickCount64 + (long)s_lastAnswers.TotalMilliseconds;
        while (_thread.IsAlive && _broken is null && !_closing && !_answers.Values.All(a => a.IsStream) && until - Environment.TickCount64 is > 0 and var left)
            _oneEnded.WaitOne((int)left);
        lock (_lock)
            _closing = true;
        _wake.Signal();
        if (_thread.IsAlive && Thread.CurrentThread != _thread)
            _thread.Join();
    }

    /// <summary>
    /// Sends one message as soon as the socket takes it. More than <see cref="DoorLimits.QueueBytes"/> waiting: the door does not read, and is broken.
    /// </summary>
    internal void Send(byte[] message)
    {
        lock (_lock)
        {
            _queue.Enqueue(message);
            _queuedBytes += message.Length;
            if (_queuedBytes > DoorLimits.QueueBytes)
                _broken ??= "it does not read its answers";
        }
        _wake.Signal();
    }

    private void Run()
    {
        try
        {
            using Epoll epoll = new();
            epoll.Add(_wake.Descriptor, Readiness.Readable, WakeToken);
            epoll.Add(_socket.Descriptor, Readiness.Readable, SocketToken);
            Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[2];
            byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
            while (_broken is null && !_closing)
            {
                int count = epoll.Wait(ready, -1);
                _wake.Take();
                for (int i = 0; i < count; i++)
                {
                    if (ready[i].Token == SocketToken && ready[i].Ready != Readiness.Writable && !Receive(buffer))
                        _closing = true;
                }
                if (!Flush(out bool waits))
                    break;
                epoll.Change(_socket.Descriptor, waits ? Readiness.Readable | Readiness.Writable : Readiness.Readable, SocketToken);
            }
        }
        catch (Exception e)
        {
            // The boundary of one door: whatever happens here ends it, and not the node.
            _broken ??= $"{e.GetType().Name}: {e.Message}";
        }
        try
        {
            Close();
        }
        catch (Exception e)
        {
            _services.Log.Error($"bus door fault={e.GetType().Name} message=\"{e.Message}\"");
        }
    }

    private void Close()
    {
        if (_broken is null)
            _ = Flush(out _);       // what was answered leaves, the answer to a reboot too
        foreach (DoorAnswer answer in _answers.Values)
            answer.Cancel();
        lock (_lock)
        {
            _closing = true;
            _queue.Clear();
        }
        _oneEnded.Set();
        _socket.Dispose();
        _ended(_broken);
    }

    /// <summary>Handles what has come; false when the door has hung up or is broken.</summary>
    private bool Receive(byte[] buffer)
    {
        for (int i = 0; i < MessagesAtOnce; i++)
        {
            Errno errno = _socket.TryReceive(buffer, out int length, out FileDescriptor[] descriptors, wait: false);
            if (errno == Errno.EAGAIN)
                return true;
            if (errno == Errno.EMSGSIZE)
                return Break("a message is too long");
            if (errno != Errno.None || length == 0)
                return false;
            try
            {
                if (!DoorMessage.TryRead(buffer.AsSpan(0, length), out DoorMessage head, out ReadOnlySpan<byte> body))
                    return Break("it does not keep to the protocol");
                if (!Handle(head, body, descriptors))
                    return false;
            }
            finally
            {
                Array.ForEach(descriptors, d => d.Dispose());
            }
        }
        return true;
    }

    private bool Handle(DoorMessage head, ReadOnlySpan<byte> body, FileDescriptor[] descriptors)
    {
        switch (head.Verb)
        {
            case DoorVerb.Ask:
                return Ask(head, body, descriptors);
            case DoorVerb.Credit when DoorMessage.TryReadNumber(body, out uint bytes) && bytes <= DoorLimits.WindowBytes:
                return !_answers.TryGetValue(head.Id, out DoorAnswer? answer) || answer.Credit((int)bytes) || Break("it returns more than it was sent");
            case DoorVerb.Cancel:
                _answers.GetValueOrDefault(head.Id)?.Cancel();
                return true;
            case DoorVerb.Hand:
                return Hand(head, descriptors);
            default:
                return Break("it does not keep to the protocol");
        }
    }

    private bool Ask(DoorMessage head, ReadOnlySpan<byte> body, FileDescriptor[] descriptors)
    {
        uint length = (uint)body.Length;
        bool beside = head.Has(DoorMessage.BesideFlag);
        if (beside && (!DoorMessage.TryReadNumber(body, out length) || descriptors.Length != 1) || length > Gate.MaxBytes)
            return Break("an envelope is too large, or not where it is said to be");
        if (Volatile.Read(ref _asked) >= DoorLimits.Asked || Volatile.Read(ref _askedBytes) + length > DoorLimits.AskedBytes)
            return Break("it asks more at once than a link carries");
        byte[] envelope = new byte[length];
        if (beside && !SealedMemory.TryRead(descriptors[0], envelope))
            return Break("a file beside a message is not sealed, or not as long as it is said to be");
        if (!beside)
            body.CopyTo(envelope);
        DoorAnswer answer = new(this, head.Id);
        if (!_answers.TryAdd(head.Id, answer))
            return Break("it gives a number twice");
        Interlocked.Increment(ref _asked);
        Interlocked.Add(ref _askedBytes, length);
        _ = Task.Run(() => AnswerAsync(answer, envelope, head.Has(DoorMessage.SessionFlag)));
        return true;
    }

    // A connection may have lost its client on the way, which is nobody's fault: who serves it hears so.
    private bool Hand(DoorMessage head, FileDescriptor[] descriptors)
    {
        if (descriptors.Length != 1 || !TcpConnection.IsOne(descriptors[0]))
            return Break("it handed over what is no connection");
        FileDescriptor connection = descriptors[0];
        descriptors[0] = new FileDescriptor(-1);    // its owner is whoever waits for it
        if (_answers.TryGetValue(head.Id, out DoorAnswer? answer) && answer.TryHand(connection))
            return true;
        connection.Dispose();
        return Break("it handed over a connection that nobody waits for");
    }

    private async Task AnswerAsync(DoorAnswer answer, byte[] envelope, bool session)
    {
        Standing standing = new(this, envelope.Length);
        bool whole = false;
        try
        {
            if (!_services.Rates.Allow(envelope))
            {
                standing.ReturnBytes();
                answer.Begin(429, null);
            }
            else if (_services.Gate.Admit(envelope) is var decision && decision.IsForged)
            {
                Break("it handed over what a door is there to refuse");
                return;
            }
            else if (!standing.Settle(decision.Proven && (decision.Roles & Roles.Reserved) != 0, IsStream(decision)))
            {
                answer.Begin(503, decision);
            }
            else if (session && _services.Sessions is ISessionServer sessions && Opens(decision))
            {
                await OpenAsync(sessions, decision, envelope, answer).ConfigureAwait(false);
            }
            else
            {
                answer.Begin(decision.BareStatus == 0 ? 200 : decision.BareStatus, decision, IsStream(decision));
                await _services.Dispatcher.AnswerAsync(decision, _services.Routes, answer.WriteLineAsync, answer.Token).ConfigureAwait(false);
            }
            whole = true;
        }
        catch (OperationCanceledException)
        {
            // nobody waits for it any more, or whoever does takes nothing
        }
        catch (Exception e)
        {
            _services.Log.Error($"bus answer fault={e.GetType().Name} message=\"{e.Message}\"");
        }
        finally
        {
            standing.Dispose();     // before the door hears that it may ask again
            answer.End(whole);
            _answers.TryRemove(answer.Id, out _);
            _oneEnded.Set();
        }
    }

    private async Task OpenAsync(ISessionServer sessions, Decision decision, byte[] envelope, DoorAnswer answer)
    {
        PreparedSession session = await sessions.OpenAsync(decision, envelope, answer.Token).ConfigureAwait(false);
        bool runs = false;
        try
        {
            if (session.IsOpen)
            {
                Socket connection = ToSocket(await answer.TakeConnectionAsync(decision, _services.HandWithin).ConfigureAwait(false));
                runs = true;
                session.Run(connection);
            }
            else
            {
                answer.Begin(200, decision);
                await answer.WriteLineAsync(session.Answer, answer.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            if (!runs)
                session.Dispose();
        }
    }

    private static Socket ToSocket(FileDescriptor connection)
    {
        SafeSocketHandle handle = new(connection.Number, ownsHandle: true);
        connection.SetHandleAsInvalid();
        try
        {
            return new Socket(handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static bool Opens(Decision decision) => decision.Admitted && decision.Request!.Command == Commands.SessionOpen.Name;

    private bool IsStream(Decision decision) => decision.Admitted && _services.Routes.Find(decision.Request!.Command) is Route { IsStream: true };

    private bool Break(string why)
    {
        _broken ??= why;
        _wake.Signal();
        return false;
    }

    private bool Flush(out bool waits)
    {
        waits = false;
        lock (_lock)
        {
            while (_queue.TryPeek(out byte[]? message))
            {
                Errno errno = _socket.TrySend(message, wait: false);
                waits = errno == Errno.EAGAIN;
                if (errno != Errno.None)
                    return waits;
                _queue.Dequeue();
                _queuedBytes -= message.Length;
            }
        }
        return true;
    }

    /// <summary>What one request holds of the link's limits, from its arrival until its answer begins to stream or ends.</summary>
    private sealed class Standing(DoorConnection link, int bytes) : IDisposable
    {
        private int _bytes = bytes;
        private bool _other;
        private bool _stream;
        private bool _settled;

        /// <summary>The request is verified: it counts as an owner's or another's, as a stream or not. False when there is no room for its kind.</summary>
        public bool Settle(bool reserved, bool stream)
        {
            ReturnBytes();
            if (stream)
            {
                Return();
                _stream = true;
                return Interlocked.Increment(ref link._streams) <= DoorLimits.Streams;
            }
            _other = !reserved;
            return reserved || Interlocked.Increment(ref link._others) <= DoorLimits.Asked - DoorLimits.ReservedAsked;
        }

        public void Dispose()
        {
            Return();
            if (_stream)
                Interlocked.Decrement(ref link._streams);
            if (_other)
                Interlocked.Decrement(ref link._others);
        }

        /// <summary>The envelope is done with.</summary>
        public void ReturnBytes()
        {
            Interlocked.Add(ref link._askedBytes, -_bytes);
            _bytes = 0;
        }

        private void Return()
        {
            ReturnBytes();
            if (_settled)
                return;
            _settled = true;
            Interlocked.Decrement(ref link._asked);
        }
    }
}
