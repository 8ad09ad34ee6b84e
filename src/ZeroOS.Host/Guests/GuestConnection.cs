using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Loops;
using ZeroOS.Linux;

namespace ZeroOS.Host.Guests;

/// <summary>
/// The node's end of one vsock connection of a guest (<see cref="GuestProtocol"/>): a stream socket handed over by the monitor, served by a loop among many
/// others. It reads at most one buffer a turn. Memory is bounded both ways, and the first violation or exception ends the connection. Only the loop's thread
/// may call it.
/// </summary>
internal sealed class GuestConnection : ILoopClient
{
    /// <summary>Bytes waiting for a guest that does not read, at most; beyond, the connection ends. A specification is at most 640 KiB.</summary>
    public const int MaxPending = 768 * 1024;

    private readonly ClientLoop _loop;
    private readonly StreamSocket _socket;
    private readonly IGuestEvents _events;
    private readonly SharedBudget _outgoingBudget;
    private readonly GuestFrameBuffer _incoming = new(GuestProtocol.MaxGuestPayload);
    private readonly GuestFrameParser _parser;
    private readonly Queue<byte[]> _outgoing = new();
    private LoopWatch? _watch;
    private int _pendingBytes;
    private int _sentOfFirst;
    private bool _paused;
    private bool _mute;
    private bool _closed;

    /// <summary>
    /// Takes ownership of <paramref name="socket"/>. Nothing is read before <see cref="Open"/>. What waits to be sent is charged to
    /// <paramref name="outgoing"/>.
    /// </summary>
    public GuestConnection(ClientLoop loop, StreamSocket socket, IGuestEvents events, SharedBudget outgoing)
    {
        (_loop, _socket, _events, _outgoingBudget) = (loop, socket, events, outgoing);
        _parser = new GuestFrameParser(this, events);
    }

    /// <summary>Begins to read and report.</summary>
    public void Open() => _watch = _loop.Watch(this, _socket.Descriptor);

    /// <summary>Sends the machine's secret and the spec, in answer to a hello that has none.</summary>
    public void SendSpec(ReadOnlySpan<byte> secret, GuestSpec spec) =>
        Send(GuestFrameType.Spec, [.. secret, .. JsonSerializer.SerializeToUtf8Bytes(spec, GuestJson.Default.GuestSpec)]);

    /// <summary>Says from which offset output is wanted.</summary>
    public void LogsFrom(long offset)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(payload, offset);
        Send(GuestFrameType.LogsFrom, payload);
    }

    /// <summary>Has the guest tell how its workload is.</summary>
    public void WantHealth() => Send(GuestFrameType.HealthWanted, []);

    /// <summary>Has the guest tell once what its workload uses. False: the connection is over.</summary>
    public bool WantUse()
    {
        Send(GuestFrameType.UseWanted, []);
        return !_closed && !_mute;
    }

    /// <summary>Stop signal, grace, SIGKILL.</summary>
    public void Stop(GuestStop stop) => SendJson(GuestFrameType.Stop, stop, GuestJson.Default.GuestStop);

    /// <summary>Has the guest dial for a session. False: the connection is over.</summary>
    public bool OpenSession(GuestSession session)
    {
        SendJson(GuestFrameType.Session, session, GuestJson.Default.GuestSession);
        return !_closed && !_mute;
    }

    /// <summary>One signal for the workload, 1 to 64. False: the connection is over.</summary>
    public bool Signal(int number)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
        Send(GuestFrameType.Signal, payload);
        return !_closed && !_mute;
    }

    /// <summary>The exit or failure is stored durably; the guest may power off.</summary>
    public void Acknowledge() => Send(GuestFrameType.Acknowledge, []);

    /// <summary>The device behind <paramref name="serial"/> grew; so shall its file system.</summary>
    public void GrowDisk(string serial) => Send(GuestFrameType.GrowDisk, Encoding.ASCII.GetBytes(serial));

    /// <summary>Reads nothing for a while: what was read has not been stored yet.</summary>
    public void Pause() => SetPaused(true);

    /// <summary>Reads again.</summary>
    public void Resume() => SetPaused(false);

    /// <summary>Ends the connection at once; <see cref="IGuestEvents.Closed"/> is called. A second time it does nothing.</summary>
    public void Close(string? violation = null)
    {
        if (_closed)
            return;
        _closed = true;
        _loop.Remove(_watch);
        _socket.Dispose();
        Forget();
        _events.Closed(this, violation);
    }

    /// <summary>Lets go of the socket once the loop has ended; nothing is told.</summary>
    public void Abandon()
    {
        _closed = true;
        _socket.Dispose();
        Forget();
    }

    /// <inheritdoc/>
    public void OnReady(LoopWatch watch, Readiness ready)
    {
        if (_closed)
            return;
        Flush();
        if (!_paused && (ready & ~Readiness.Writable) != 0)
            ReadOnce();
        UpdateInterest();
    }

    /// <inheritdoc/>
    public void OnDue()
    {
    }

    /// <inheritdoc/>
    public void OnFault(Exception fault) => Close($"the node cannot serve it: {fault.GetType().Name}: {fault.Message}");

    /// <summary>Delivers what is in a buffer, for tests.</summary>
    internal string? Deliver(GuestFrameBuffer incoming) => _parser.Deliver(incoming);

    private void ReadOnce()
    {
        Errno errno = _socket.TryReceiveNow(_incoming.Room(), out int read);
        if (errno == Errno.EAGAIN)
            return;
        if (errno != Errno.None || read == 0)
        {
            Close();
            return;
        }
        _incoming.Filled(read);
        string? violation = _parser.Deliver(_incoming);
        _events.Delivered(this);
        if (violation is not null)
            Close(violation);
    }

    private void SendJson<T>(GuestFrameType type, T value, JsonTypeInfo<T> json) => Send(type, JsonSerializer.SerializeToUtf8Bytes(value, json));

    private void Send(GuestFrameType type, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > GuestProtocol.MaxPayload)
            throw new ArgumentException($"a {type} frame of {payload.Length} bytes is longer than the protocol allows");
        if (_closed || _mute)
            return;
        byte[] frame = GuestFrameBuffer.Frame(type, 0, payload);
        if (_pendingBytes + frame.Length > MaxPending || !_outgoingBudget.TryTake(frame.Length))
        {
            // Not here: the caller is in the middle of something that concerns this connection.
            _mute = true;
            _loop.Post(this, () => Close("the guest does not read what it is sent"));
            return;
        }
        _outgoing.Enqueue(frame);
        _pendingBytes += frame.Length;
        Flush();
        UpdateInterest();
    }

    private void Flush()
    {
        while (_outgoing.TryPeek(out byte[]? first))
        {
            Errno errno = _socket.TrySendNow(first.AsSpan(_sentOfFirst), out int written);
            if (errno == Errno.EAGAIN)
                return;
            if (errno != Errno.None)
            {
                // The peer is gone; its last words may still be there to be read.
                _mute = true;
                Forget();
                return;
            }
            _sentOfFirst += written;
            if (_sentOfFirst < first.Length)
                continue;
            _outgoing.Dequeue();
            _sentOfFirst = 0;
            _pendingBytes -= first.Length;
            _outgoingBudget.Give(first.Length);
        }
    }

    private void SetPaused(bool paused)
    {
        _paused = paused;
        UpdateInterest();
    }

    private void UpdateInterest()
    {
        if (_closed || _watch is null)
            return;
        _loop.Change(_watch, (_paused ? Readiness.None : Readiness.Readable) | (_outgoing.Count > 0 ? Readiness.Writable : Readiness.None));
    }

    private void Forget()
    {
        _outgoingBudget.Give(_pendingBytes);
        _pendingBytes = 0;
        _outgoing.Clear();
    }
}
