using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Health;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Node;

/// <summary>
/// The connection to the node (<see cref="GuestProtocol"/>), made again whenever it breaks. One thread dials and receives, one sends; everything that must
/// arrive (start, exit, failure) is sent again on each connection until the node acknowledges, output goes on from where the node says. The machine's secret
/// comes with the spec and stays in this object: the workload has neither this process's memory nor its /proc, and any process of it may dial the same port.
/// </summary>
internal sealed class NodeLink(OutputRing ring, HealthReports health, INodeOrders orders, long bootUs, Dial dial)
{
    private static readonly TimeSpan s_quickRetry = TimeSpan.FromMilliseconds(10), s_slowRetry = TimeSpan.FromMilliseconds(250);
    private readonly object _lock = new();
    private bool _acknowledged;
    private GuestSpec? _spec;
    private byte[] _secret = [];
    private bool _mayStart;
    private GuestStarted? _started;
    private GuestExited? _exited;
    private GuestFailure? _failed;

    // What of the above went out on the present connection.
    private StreamSocket? _socket;
    private bool _sending;
    private bool _helloSent, _known, _startedSent, _exitedSent, _failedSent;
    private bool _healthWanted;
    private GuestUse? _use;
    private long _position = -1, _healthPosition = HealthReports.Nothing;

    /// <summary>Begins to dial.</summary>
    internal void Start()
    {
        new Thread(ReceiveForEver, 512 * 1024) { Name = "node receive", IsBackground = true }.Start();
        new Thread(SendForEver, 512 * 1024) { Name = "node send", IsBackground = true }.Start();
    }

    /// <summary>
    /// Waits for the spec, for as long as it takes, and until the node says that it hears nobody else any more: a workload that ran before could ask for it
    /// too.
    /// </summary>
    internal GuestSpec WaitForSpec()
    {
        lock (_lock)
        {
            while (_spec is null || !_mayStart)
                Monitor.Wait(_lock);
            return _spec;
        }
    }

    /// <summary>Waits until the node has stored how it ended; null: for as long as it takes.</summary>
    internal void WaitForAcknowledgement(TimeSpan? timeout)
    {
        long deadline = timeout is { } t ? Environment.TickCount64 + (long)t.TotalMilliseconds : long.MaxValue;
        lock (_lock)
        {
            while (!_acknowledged && Environment.TickCount64 < deadline)
                Monitor.Wait(_lock, (int)Math.Min(deadline - Environment.TickCount64, 60_000));
        }
    }

    internal void ReportStarted(GuestStarted started) => Change(() => _started = started);

    /// <summary>Reports the end; all output before it is sent first.</summary>
    internal void ReportExited(GuestExited exited) => Change(() => _exited = exited);

    internal void ReportFailed(GuestFailure failure) => Change(() => _failed = failure);

    /// <summary>There is new output in the ring.</summary>
    internal void OutputCame() => Change(() => { });

    /// <summary>There is something new in the reports of health.</summary>
    internal void HealthCame() => Change(() => { });

    private void Change(Action change)
    {
        lock (_lock)
        {
            change();
            Monitor.PulseAll(_lock);
        }
    }

    // Nobody pulses it: the only timer that needs no thread of its own.
    private static void Pause(TimeSpan time)
    {
        object nobody = new();
        lock (nobody)
            Monitor.Wait(nobody, time);
    }

    private void ReceiveForEver()
    {
        int attempt = 0;
        while (true)
        {
            StreamSocket? socket = dial(out Errno errno);
            bool heard = socket is not null && Serve(socket);
            attempt = heard ? 0 : attempt + 1;
            if (attempt == 500)
                GuestConsole.Say($"no connection to the node yet ({errno})");
            // One that is closed without a word was not wanted: no quicker than one that was refused.
            Pause(attempt < 100 ? s_quickRetry : s_slowRetry);
        }
    }

    // Whether the node said anything.
    private bool Serve(StreamSocket socket)
    {
        Change(() =>
        {
            _socket = socket;
            _helloSent = _known = _startedSent = _exitedSent = _failedSent = _healthWanted = false;
            (_position, _healthPosition, _use) = (-1, HealthReports.Nothing, null);
        });
        bool heard = ReceiveUntilBroken(socket);
        socket.Shutdown();
        lock (_lock)
        {
            _socket = null;
            ring.Listen(-1);
            Monitor.PulseAll(_lock);
            while (_sending)
                Monitor.Wait(_lock);
        }
        socket.Dispose();
        return heard;
    }

    private bool ReceiveUntilBroken(StreamSocket socket)
    {
        GuestFrameBuffer buffer = new();
        bool heard = false;
        while (socket.Descriptor.TryRead(buffer.Room(), out int n) == Errno.None && n > 0)
        {
            heard = true;
            buffer.Filled(n);
            bool malformed;
            while (buffer.TryTake(out GuestFrameType type, out _, out ReadOnlySpan<byte> payload, out malformed))
                Obey(type, payload);
            if (malformed)
                break;
        }
        return heard;
    }

    private void Obey(GuestFrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case GuestFrameType.Spec when payload.Length > GuestProtocol.SecretBytes
                && Read(payload[GuestProtocol.SecretBytes..], GuestJson.Default.GuestSpec) is { } spec:
                byte[] secret = payload[..GuestProtocol.SecretBytes].ToArray();
                Change(() => (_spec, _secret) = (_spec ?? spec, secret));
                break;
            case GuestFrameType.LogsFrom when payload.Length == sizeof(long):
                long from = BinaryPrimitives.ReadInt64LittleEndian(payload);
                ring.Listen(Math.Max(from, 0));
                Change(() => (_position, _mayStart) = (Math.Max(from, 0), true));
                break;
            case GuestFrameType.HealthWanted:
                Change(() => _healthWanted = true);
                break;
            case GuestFrameType.UseWanted:
                GuestUse use = orders.Use();
                Change(() => _use = use);
                break;
            case GuestFrameType.Stop when Read(payload, GuestJson.Default.GuestStop) is { } stop:
                orders.Stop(stop);
                break;
            case GuestFrameType.Signal when payload.Length == sizeof(int):
                orders.Signal(BinaryPrimitives.ReadInt32LittleEndian(payload));
                break;
            case GuestFrameType.Acknowledge:
                // Before there is an end to acknowledge it is an answer to nothing.
                Change(() => _acknowledged = _exited is not null || _failed is not null);
                break;
            case GuestFrameType.GrowDisk:
                orders.GrowDisk(Encoding.ASCII.GetString(payload));
                break;
            case GuestFrameType.Session when _secret.Length > 0 && Read(payload, GuestJson.Default.GuestSession) is { } session:
                orders.Dial(session, _secret);
                break;
            default:
                GuestConsole.Say($"ignored a frame of type {(byte)type} that cannot be read");
                break;
        }
    }

    private void SendForEver()
    {
        byte[] output = new byte[GuestProtocol.MaxOutput];
        while (true)
        {
            StreamSocket socket;
            byte[] frame;
            lock (_lock)
            {
                _sending = false;
                Monitor.PulseAll(_lock);
                byte[]? next;
                while (_socket is null || (next = NextFrame(output)) is null)
                    Monitor.Wait(_lock);
                (socket, frame, _sending) = (_socket, next, true);
            }
            if (socket.TrySendAll(frame) != Errno.None)
                socket.Shutdown();
        }
    }

    // Called with the lock held; marks what it returns as sent, because a connection that breaks starts afresh anyway.
    private byte[]? NextFrame(byte[] output)
    {
        if (!_helloSent)
        {
            _helloSent = true;
            _known = _spec is not null;
            GuestHello hello = new()
            {
                Version = 1,
                HasSpec = _known,
                Running = _started is not null && _exited is null,
                Secret = _known ? _secret : null,
                BootUs = bootUs
            };
            return Json(GuestFrameType.Hello, hello, GuestJson.Default.GuestHello);
        }
        if (!_known)
        {
            if (_spec is null)
                return null;
            _known = true;
            return GuestFrameBuffer.Frame(GuestFrameType.Claim, 0, _secret);
        }
        if (_failed is not null && !_failedSent)
        {
            _failedSent = true;
            return Json(GuestFrameType.Failed, _failed, GuestJson.Default.GuestFailure);
        }
        if (_started is not null && !_startedSent)
        {
            _startedSent = true;
            return Json(GuestFrameType.Started, _started, GuestJson.Default.GuestStarted);
        }
        if (_position < 0)
            return null;
        if (_healthWanted && health.Take(ref _healthPosition) is { } report)
            return Json(GuestFrameType.Health, report, GuestJson.Default.GuestHealthReport);
        if (_use is { } use)
        {
            _use = null;
            return Json(GuestFrameType.Use, use, GuestJson.Default.GuestUse);
        }
        int length = ring.Take(ref _position, output, out OutputStream stream);
        if (length > 0)
        {
            byte[] frame = new byte[GuestProtocol.HeaderSize + sizeof(long) + length];
            GuestFrameBuffer.WriteHeader(frame, GuestFrameType.Log, (uint)stream, sizeof(long) + length);
            BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(GuestProtocol.HeaderSize), _position);
            output.AsSpan(0, length).CopyTo(frame.AsSpan(GuestProtocol.HeaderSize + sizeof(long)));
            _position += length;
            ring.Listen(_position);
            return frame;
        }
        if (_exited is null || _exitedSent)
            return null;
        _exitedSent = true;
        return Json(GuestFrameType.Exited, _exited, GuestJson.Default.GuestExited);
    }

    private static byte[] Json<T>(GuestFrameType type, T value, JsonTypeInfo<T> json) =>
        GuestFrameBuffer.Frame(type, 0, JsonSerializer.SerializeToUtf8Bytes(value, json));

    private static T? Read<T>(ReadOnlySpan<byte> payload, JsonTypeInfo<T> json) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(payload, json);
        }
        catch (JsonException e)
        {
            GuestConsole.Say($"cannot read what the node sent: {e.Message}");
            return null;
        }
    }
}
