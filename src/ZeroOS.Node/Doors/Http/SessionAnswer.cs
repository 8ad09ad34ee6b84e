using System.Buffers;

using ZeroOS.Linux;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// The answer to a request for a session: kept until it is whole, or none, because the connection was handed over. While the node decides, a client that says
/// anything loses the connection: none can have a frame before it has the node's key.
/// </summary>
internal sealed class SessionAnswer : ISessionSink
{
    /// <summary>Bytes of an answer at most; a signed refusal has a kilobyte.</summary>
    public const int MaxBytes = 64 * 1024;

    private readonly UnreadConnection _connection;
    private readonly ConnectionTable _connections;
    private readonly CancellationTokenSource _ends;
    private readonly Func<bool, bool> _settle;
    private readonly ArrayBufferWriter<byte> _lines = new();
    private readonly CancellationTokenSource _heardEnough = new();
    private readonly Task _listening;

    /// <summary>Begins to listen to the client; what it says cancels <paramref name="ends"/>.</summary>
    public SessionAnswer(UnreadConnection connection, ConnectionTable connections, CancellationTokenSource ends, Func<bool, bool> settle)
    {
        (_connection, _connections, _ends, _settle) = (connection, connections, ends, settle);
        _listening = ListenAsync();
    }

    /// <summary>How it began.</summary>
    public int Status { get; private set; }

    /// <summary>What it says.</summary>
    public ReadOnlyMemory<byte> Lines => _lines.WrittenMemory;

    /// <summary>The node has the connection.</summary>
    public bool IsHandedOver { get; private set; }

    /// <inheritdoc/>
    public void Begin(int status, bool proven)
    {
        _settle(proven);
        Status = status;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        if (_lines.WrittenCount + bytes.Length > MaxBytes)
            throw new IOException("an answer that long is not asked for by POST /session");
        _lines.Write(bytes.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask<FileDescriptor> HandOverAsync()
    {
        await StopListeningAsync();
        if (_connection.TryPeek(new byte[1], out _))
            throw new IOException("the client spoke before it was answered, or has gone");
        _connections.Leave(_connection.Place);
        IsHandedOver = true;
        return _connection.Release();
    }

    /// <summary>From here on another may use the connection.</summary>
    public async Task StopListeningAsync()
    {
        await _heardEnough.CancelAsync();
        await _listening;
    }

    private async Task ListenAsync()
    {
        try
        {
            _ = await _connection.PeekAsync(new byte[1], _heardEnough.Token);
        }
        catch (OperationCanceledException)
        {
            return;     // it said nothing
        }
        catch (IOException)
        {
            // it has gone
        }
        await _ends.CancelAsync();
    }
}
