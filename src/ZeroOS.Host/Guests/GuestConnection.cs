using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Host.Guests;

/// <summary>
/// The node's end of one vsock connection of a guest (<see cref="GuestProtocol"/>): a stream socket handed over by the monitor. One thread reads and
/// writes it; any thread may call the methods. Any process in the guest can speak vsock, so every byte is hostile: lengths, types, order and
/// values are checked, memory is bounded both ways, and the first violation ends the connection.
/// </summary>
public sealed class GuestConnection : IDisposable
{
    /// <summary>Bytes of a JSON payload from a guest at most; no honest one is longer than a few hundred.</summary>
    public const int MaxJson = 16 * 1024;

    /// <summary>Bytes waiting for a guest that does not read, at most; beyond, the connection ends.</summary>
    public const int MaxPending = 1024 * 1024;

    private const int MaxSentence = 1024;
    private const ulong SocketToken = 1, WakeToken = 2;

    private readonly StreamSocket _socket;
    private readonly IGuestEvents _events;
    private readonly EventFd _wake = new();
    private readonly GuestFrameBuffer _incoming = new();
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _outgoing = new();
    private int _pendingBytes;
    private int _sentOfFirst;
    private bool _ended;
    private bool _overflowed;
    private bool _greeted;
    private long _nextOffset;

    /// <summary>Takes ownership of <paramref name="socket"/>, a connected stream socket. Nothing is read before <see cref="Start"/>.</summary>
    public GuestConnection(FileDescriptor socket, IGuestEvents events)
    {
        _socket = new StreamSocket(socket);
        _events = events;
    }

    /// <summary>Starts the thread that reads and reports.</summary>
    public void Start()
    {
        _socket.Descriptor.SetNonBlocking(true);
        new Thread(Run, 256 * 1024) { Name = "guest", IsBackground = true }.Start();
    }

    /// <summary>Sends the spec: once per boot of the guest, in answer to a hello that has none.</summary>
    public void SendSpec(GuestSpec spec) => SendJson(GuestFrameType.Spec, spec, GuestJson.Default.GuestSpec);

    /// <summary>Says from which offset output is wanted; after every hello.</summary>
    public void LogsFrom(long offset)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(payload, offset);
        Send(GuestFrameType.LogsFrom, payload);
    }

    /// <summary>Stop signal, grace, SIGKILL.</summary>
    public void Stop(GuestStop stop) => SendJson(GuestFrameType.Stop, stop, GuestJson.Default.GuestStop);

    /// <summary>One signal for the workload, 1 to 64.</summary>
    public void Signal(int number)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
        Send(GuestFrameType.Signal, payload);
    }

    /// <summary>The exit or failure is stored durably; the guest may power off.</summary>
    public void Acknowledge() => Send(GuestFrameType.Acknowledge, []);

    /// <summary>The device behind <paramref name="serial"/> grew; so shall its file system.</summary>
    public void GrowDisk(string serial) => Send(GuestFrameType.GrowDisk, Encoding.ASCII.GetBytes(serial));

    /// <summary>Ends the connection; <see cref="IGuestEvents.Closed"/> still comes, from the thread.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_ended)
                return;
            _ended = true;
            _wake.Signal();
        }
    }

    private void SendJson<T>(GuestFrameType type, T value, JsonTypeInfo<T> json) => Send(type, JsonSerializer.SerializeToUtf8Bytes(value, json));

    private void Send(GuestFrameType type, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > GuestProtocol.MaxPayload)
            throw new ArgumentException($"a {type} frame of {payload.Length} bytes is longer than the protocol allows");
        byte[] frame = GuestFrameBuffer.Frame(type, 0, payload);
        lock (_lock)
        {
            if (_ended)
                return;
            if (_pendingBytes + frame.Length > MaxPending)
            {
                _overflowed = _ended = true;
            }
            else
            {
                _outgoing.Enqueue(frame);
                _pendingBytes += frame.Length;
            }
            _wake.Signal();
        }
    }

    private void Run()
    {
        string? violation = null;
        using (Epoll epoll = new())
        {
            epoll.Add(_wake.Descriptor, Readiness.Readable, WakeToken);
            epoll.Add(_socket.Descriptor, Readiness.Readable, SocketToken);
            Readiness interest = Readiness.Readable;
            Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[2];
            for (bool open = true; open;)
            {
                epoll.Wait(ready, -1);
                _ = _wake.Take();
                bool more = false;
                open = ReadSome(ref violation) && WriteSome(out more, ref violation);
                if (open && interest != (more ? Readiness.Readable | Readiness.Writable : Readiness.Readable))
                {
                    interest = more ? Readiness.Readable | Readiness.Writable : Readiness.Readable;
                    epoll.Change(_socket.Descriptor, interest, SocketToken);
                }
            }
        }
        lock (_lock)
        {
            _ended = true;
            _outgoing.Clear();
            _wake.Dispose();
            _socket.Dispose();
        }
        _events.Closed(this, violation);
    }

    private bool ReadSome(ref string? violation)
    {
        // Bounded per turn, so that a guest that floods us cannot keep an answer from being written.
        for (int turn = 0; turn < 16; turn++)
        {
            Errno errno = _socket.Descriptor.TryRead(_incoming.Room(), out int read);
            if (errno == Errno.EAGAIN)
                return true;
            if (errno != Errno.None || read == 0)
                return false;
            _incoming.Filled(read);
            violation = Deliver(_incoming);
            if (violation is not null)
                return false;
        }
        return true;
    }

    private bool WriteSome(out bool more, ref string? violation)
    {
        more = false;
        while (true)
        {
            byte[]? first;
            lock (_lock)
            {
                if (_overflowed)
                    violation = "the guest does not read what it is sent";
                if (_ended)
                    return false;
                if (!_outgoing.TryPeek(out first))
                    return true;
            }
            Errno errno = _socket.TrySend(first.AsSpan(_sentOfFirst), out int written);
            if (errno == Errno.EAGAIN)
                return more = true;
            if (errno != Errno.None)
                return false;
            _sentOfFirst += written;
            if (_sentOfFirst < first.Length)
                continue;
            _sentOfFirst = 0;
            lock (_lock)
            {
                _outgoing.Dequeue();
                _pendingBytes -= first.Length;
            }
        }
    }

    /// <summary>Delivers every whole frame in the buffer; returns what was not allowed, or null. Never throws for what a guest sent.</summary>
    internal string? Deliver(GuestFrameBuffer incoming)
    {
        while (incoming.TryTake(out GuestFrameType type, out uint stream, out ReadOnlySpan<byte> payload, out _))
        {
            if (DeliverOne(type, stream, payload) is string violation)
                return violation;
        }
        // TryTake says false both for "not yet whole" and "never": ask once more, it changes nothing.
        return !incoming.TryTake(out _, out _, out _, out bool tooLong) && tooLong ? "a frame longer than the protocol allows" : null;
    }

    private string? DeliverOne(GuestFrameType type, uint stream, ReadOnlySpan<byte> payload)
    {
        if (_greeted == (type == GuestFrameType.Hello))
            return _greeted ? "a second hello" : "a frame before hello";
        switch (type)
        {
            case GuestFrameType.Hello:
                if (Read(payload, GuestJson.Default.GuestHello) is not { Version: 1 } hello)
                    return "a hello that cannot be read";
                _greeted = true;
                _events.Hello(this, hello);
                return null;
            case GuestFrameType.Started:
                if (Read(payload, GuestJson.Default.GuestStarted) is not { } started)
                    return "a start that cannot be read";
                _events.Started(this, started);
                return null;
            case GuestFrameType.Exited:
                if (Read(payload, GuestJson.Default.GuestExited) is not { Code: >= 0 and <= 255, Signal: >= 0 and <= 64 } exited)
                    return "an exit that cannot be read";
                _events.Exited(this, exited);
                return null;
            case GuestFrameType.Failed:
                if (Read(payload, GuestJson.Default.GuestFailure) is not { Code: >= 0 and <= 255 } failure)
                    return "a failure that cannot be read";
                _events.Failed(this, failure with { Stage = Plain(failure.Stage, 64), Message = Plain(failure.Message, MaxSentence) });
                return null;
            case GuestFrameType.Log:
                return DeliverLog(stream, payload);
            default:
                return $"a frame of type {(byte)type}, which guests do not send";
        }
    }

    private string? DeliverLog(uint stream, ReadOnlySpan<byte> payload)
    {
        if (stream is not (1 or 2) || payload.Length < sizeof(long))
            return "a log frame that cannot be read";
        long offset = BinaryPrimitives.ReadInt64LittleEndian(payload);
        payload = payload[sizeof(long)..];
        if (offset < _nextOffset || offset > long.MaxValue - payload.Length)
            return "a log offset that goes back";
        _nextOffset = offset + payload.Length;
        _events.Log(this, offset, (int)stream, payload);
        return null;
    }

    private static T? Read<T>(ReadOnlySpan<byte> payload, JsonTypeInfo<T> type) where T : class
    {
        if (payload.Length > MaxJson)
            return null;
        try
        {
            return JsonSerializer.Deserialize(payload, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // What a guest says ends in logs, replies and on a screen: no control characters, and not for ever.
    private static string Plain(string text, int most)
    {
        StringBuilder plain = new(Math.Min(text.Length, most));
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, most)))
            plain.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return plain.ToString();
    }
}
