using System.Collections.Concurrent;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Doors;
using ZeroOS.Linux;

namespace ZeroOS.Node.Doors;

/// <summary>
/// The door's end of the link to role node: hands envelopes over within the link's limits and gives every answer to whoever waits for it. One thread of its own
/// hears the node.
/// </summary>
internal sealed class NodeLink : INodeLink, IDisposable
{
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(2);

    private readonly SeqPacketSocket _socket;
    private readonly LinkShares _shares = new();
    private readonly ConcurrentDictionary<uint, PendingAnswer> _pending = new();
    private readonly Lock _sending = new();
    private readonly ManualResetEventSlim _ready = new();
    private readonly ManualResetEventSlim _closed = new();
    private readonly ManualResetEventSlim _idle = new();
    private Dictionary<string, byte> _table = new(StringComparer.Ordinal);
    private Thread? _hearing;
    private uint _lastId;

    /// <summary>Takes ownership of the door's end.</summary>
    public NodeLink(SeqPacketSocket socket) => _socket = socket;

    /// <summary>Who has a role, as the node said last.</summary>
    public KnownKeys Keys { get; } = new();

    /// <summary>Starts hearing the node.</summary>
    public void Start()
    {
        _hearing = new Thread(Hear) { Name = "node-link", IsBackground = true };
        _hearing.Start();
    }

    /// <summary>Waits until the node has said who has a role; false when it hung up before.</summary>
    public bool WaitUntilReady()
    {
        _ = WaitHandle.WaitAny([_ready.WaitHandle, _closed.WaitHandle]);
        return _ready.IsSet;
    }

    /// <summary>Waits until the node has hung up, and a moment for what it said before to leave.</summary>
    public void WaitUntilClosed()
    {
        _closed.Wait();
        if (!_pending.IsEmpty)
            _idle.Wait(s_lastWords);
    }

    /// <inheritdoc/>
    public async Task AskAsync(ReadOnlyMemory<byte> envelope, Screening sender, IAnswerSink answer, CancellationToken cancellation)
    {
        using LinkPlace place = await _shares.EnterAsync(sender, cancellation);
        PendingAnswer pending = new();
        uint id = Interlocked.Increment(ref _lastId);
        _pending[id] = pending;
        bool ended = false;
        try
        {
            if (_closed.IsSet)
                throw new NodeLostException("the node is gone");
            Ask(id, envelope.Span, answer is ISessionSink ? DoorMessage.SessionFlag : (byte)0);
            while (!ended)
            {
                AnswerPart part = await pending.NextAsync(cancellation);
                switch (part.Head.Verb)
                {
                    case DoorVerb.Begin:
                        if (part.Head.Has(DoorMessage.StreamFlag))
                            place.Dispose();    // a stream has its own limits, at the node
                        answer.Begin(part.Status, part.Head.Has(DoorMessage.ProvenFlag));
                        if (part.Head.Has(DoorMessage.HandFlag))
                            await HandOverAsync(id, answer);
                        break;
                    case DoorVerb.Piece:
                        await answer.WriteAsync(part.Bytes, cancellation);
                        Send(new DoorMessage(DoorVerb.Credit, 0, id).With((uint)part.Bytes.Length));
                        break;
                    default:
                        ended = true;
                        if (part.Head.Has(DoorMessage.CutFlag))
                            throw new NodeLostException("the node cut the answer off");
                        break;
                }
            }
        }
        finally
        {
            _pending.TryRemove(id, out _);
            if (_closed.IsSet && _pending.IsEmpty)
                _idle.Set();
            if (!ended)
                Send(new DoorMessage(DoorVerb.Cancel, 0, id).With([]));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The number of a closed descriptor is the next one's: whoever reads by it must have stopped before.
        _socket.Shutdown();
        _hearing?.Join();
        lock (_sending)
            _socket.Dispose();
    }

    private void Ask(uint id, ReadOnlySpan<byte> envelope, byte flags)
    {
        if (envelope.Length <= DoorLimits.InlineBytes)
        {
            Send(new DoorMessage(DoorVerb.Ask, flags, id).With(envelope));
            return;
        }
        using FileDescriptor file = SealedMemory.Create("envelope", envelope);
        Send(new DoorMessage(DoorVerb.Ask, (byte)(flags | DoorMessage.BesideFlag), id).With((uint)envelope.Length), [file.Number]);
    }

    // Closed here without a word to the client, who goes on with the node.
    private async Task HandOverAsync(uint id, IAnswerSink answer)
    {
        if (answer is not ISessionSink session)
            throw new NodeLostException("the node wants a connection that cannot be handed over");
        using FileDescriptor connection = await session.HandOverAsync();
        Send(new DoorMessage(DoorVerb.Hand, 0, id).With([]), [connection.Number]);
    }

    // The node never lets this wait for long: a thread of its own does nothing but read.
    private void Send(byte[] message, ReadOnlySpan<int> descriptors = default)
    {
        lock (_sending)
        {
            if (!_closed.IsSet)
                _ = _socket.TrySend(message, descriptors);
        }
    }

    private void Hear()
    {
        byte[] buffer = new byte[SeqPacketSocket.MaxMessage];
        while (_socket.TryReceive(buffer, out int length, out FileDescriptor[] descriptors) == Errno.None && length > 0)
        {
            Array.ForEach(descriptors, d => d.Dispose());
            if (!DoorMessage.TryRead(buffer.AsSpan(0, length), out DoorMessage head, out ReadOnlySpan<byte> body))
                break;
            if (head.Verb == DoorVerb.Keys)
                Learn(head, body);
            else if (_pending.TryGetValue(head.Id, out PendingAnswer? pending))
                pending.Add(new AnswerPart(head, body.ToArray()));
        }
        _closed.Set();
        foreach (PendingAnswer pending in _pending.Values)
            pending.Add(new AnswerPart(new DoorMessage(DoorVerb.End, DoorMessage.CutFlag, 0), []));
    }

    private void Learn(DoorMessage head, ReadOnlySpan<byte> body)
    {
        if (head.Has(DoorMessage.FirstFlag))
            _table = new Dictionary<string, byte>(StringComparer.Ordinal);
        _ = DoorKeys.TryRead(body, _table);
        if (!head.Has(DoorMessage.LastFlag))
            return;
        Keys.Replace(_table);
        _shares.Forget(Keys);
        _ready.Set();
    }
}
