using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Fetch;

/// <summary>
/// One fetch process as the node uses it: started when first needed, started again when it dies, with back-off if it keeps dying. Who is told how long it
/// may be idle is called by <paramref name="idled"/> when that is over.
/// </summary>
internal sealed class FetchWorker(string role, Func<string, FileDescriptor> start, ILog log, TimeSpan stall, Action idled) : IDisposable
{
    private const int MaxTries = 3;
    private static readonly TimeSpan s_longestBackOff = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _starting = new(1, 1);
    private FetchSocket? _socket;
    private int _deaths;
    private Timer? _idle;
    private bool _disposed;

    /// <summary>Requests under way; the owner's lock guards it.</summary>
    public int Users { get; set; }

    /// <summary>When it was last told to be idle, in milliseconds of this boot.</summary>
    public long IdleSince { get; private set; }

    /// <summary>It has nothing to do from now on, for so long at most; null: it has.</summary>
    public void Idle(TimeSpan? atMost)
    {
        IdleSince = Environment.TickCount64;
        _idle ??= new Timer(_ => EndIdle(), null, Timeout.Infinite, Timeout.Infinite);
        _idle.Change(atMost ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>As <see cref="FetchSocket.RequestAsync"/>, over up to three processes.</summary>
    /// <exception cref="RegistryException">The request failed, or no process lived long enough for it.</exception>
    public async Task<int> RequestAsync(FetchVerb verb, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> data, Memory<byte> destination,
        CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                FetchSocket socket = await ConnectAsync(cancellation).ConfigureAwait(false);
                int length = await socket.RequestAsync(verb, payload, data, destination, cancellation).ConfigureAwait(false);
                _deaths = 0;
                return length;
            }
            catch (FetchLostException e)
            {
                log.Warn($"{role} lost attempt={attempt} reason=\"{e.Message}\"");
                if (attempt == MaxTries)
                    throw new RegistryException(RegistryFailure.Unreachable, e.Message, e);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _idle?.Dispose();
        _socket?.Close();
    }

    // A timer's thread: what it throws would end the process.
    private void EndIdle()
    {
        try
        {
            idled();
        }
        catch (Exception e)
        {
            log.Warn($"{role} that is idle did not end: {e.Message}");
        }
    }

    private async Task<FetchSocket> ConnectAsync(CancellationToken cancellation)
    {
        await _starting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_socket is { Lost: false } living)
                return living;
            if (_socket is not null)
            {
                TimeSpan backOff = TimeSpan.FromMilliseconds(50 << Math.Min(_deaths++, 8));
                await Task.Delay(backOff < s_longestBackOff ? backOff : s_longestBackOff, cancellation).ConfigureAwait(false);
            }
            // Starting a process is a request to PID 1 that blocks.
            FileDescriptor socket = await Task.Run(() => start(role), cancellation).ConfigureAwait(false);
            _socket = new FetchSocket(role, socket, stall, log);
            if (_disposed)
                _socket.Close(); // closed while it was started
            return _socket;
        }
        catch (IOException e)
        {
            throw new RegistryException(RegistryFailure.Unreachable, $"the {role} process cannot be started: {e.Message}", e);
        }
        finally
        {
            _starting.Release();
        }
    }
}
