using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Fetch;

/// <summary>
/// The node's end of the socket to one living fetch process: requests out, answers into the buffers of those who asked. The process is hostile: an
/// answer that is longer than its buffer, or for nobody, ends the socket and nothing else.
/// </summary>
internal sealed class FetchSocket
{
    private readonly SeqPacketSocket _socket;
    private readonly Dictionary<uint, Pending> _pending = [];
    private readonly Lock _gate = new(), _sending = new(), _closing = new();
    private readonly TimeSpan _stall;
    private readonly string _role;
    private readonly ILog _log;
    private uint _lastId;
    private bool _closed;

    /// <summary>Takes the socket; its reader thread lives until the process is gone.</summary>
    public FetchSocket(string role, FileDescriptor socket, TimeSpan stall, ILog log)
    {
        (_role, _stall, _log) = (role, stall, log);
        _socket = new SeqPacketSocket(socket);
        new Thread(Receive, 256 * 1024) { Name = $"{role}-answers", IsBackground = true }.Start();
    }

    /// <summary>The process is gone, or this socket was closed.</summary>
    public bool Lost { get; private set; }

    /// <summary>
    /// Sends one request and its data, and fills <paramref name="destination"/> with the answer; returns how many bytes came.
    /// </summary>
    /// <exception cref="RegistryException">The process answered that it failed.</exception>
    /// <exception cref="FetchLostException">The process ended or stood still.</exception>
    public async Task<int> RequestAsync(FetchVerb verb, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> data, Memory<byte> destination,
        CancellationToken cancellation)
    {
        Pending pending = new(destination);
        uint id;
        lock (_gate)
        {
            if (Lost)
                throw new FetchLostException($"the {_role} process is gone");
            do
                id = ++_lastId;
            while (!_pending.TryAdd(id, pending));
        }
        try
        {
            // sendmsg blocks while the process is busy; a pool thread waits for it, and a close of the socket ends the wait.
            Task sending = Task.Run(() => Send(id, verb, payload.Span, data.Span), CancellationToken.None);
            await ((Task)sending.WaitAsync(_stall, CancellationToken.None)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!sending.IsCompleted)
                Close();
            await sending.ConfigureAwait(false);
            for (int seen = -1; ;)
            {
                try
                {
                    return await pending.Answer.Task.WaitAsync(_stall, cancellation).ConfigureAwait(false);
                }
                catch (TimeoutException) when (pending.Filled != seen)
                {
                    seen = pending.Filled;
                }
                catch (TimeoutException)
                {
                    Close();
                    throw new FetchLostException($"the {_role} process stood still for {_stall.TotalSeconds:0} s");
                }
            }
        }
        finally
        {
            bool asked;
            lock (_gate)
                asked = _pending.Remove(id);
            if (asked)
                Abandon(id, pending);
        }
    }

    /// <summary>Ends it: whoever waits gets <see cref="FetchLostException"/>, and the process sees its socket close.</summary>
    public void Close()
    {
        lock (_gate)
            Lost = true;
        lock (_closing)
        {
            if (!_closed)
                _socket.Shutdown();
        }
    }

    private void Send(uint id, FetchVerb verb, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> data)
    {
        lock (_sending)
        {
            if (!_closed && FetchMessage.TrySend(_socket, id, verb, payload) && FetchMessage.TrySendData(_socket, id, data))
                return;
        }
        // The reader may not have seen the end yet; the next request must not come this way.
        Close();
        throw new FetchLostException($"the {_role} process is gone");
    }

    private void Abandon(uint id, Pending pending)
    {
        // After this the reader no longer writes into the caller's buffer.
        lock (pending)
            pending.Destination = default;
        lock (_sending)
        {
            if (!_closed)
                FetchMessage.TrySend(_socket, id, FetchVerb.Cancel, []);
        }
    }

    // The boundary of one process: whatever it makes go wrong here ends its socket.
    private void Receive()
    {
        try
        {
            byte[] message = new byte[SeqPacketSocket.MaxMessage];
            while (_socket.TryReceive(message, out int length, out FileDescriptor[] descriptors) == Errno.None && IsBare(descriptors)
                && FetchMessage.TryRead(message.AsSpan(0, length), out uint id, out FetchVerb verb, out ReadOnlySpan<byte> payload)
                && TryTake(id, verb, payload))
            {
            }
        }
        catch (Exception e)
        {
            _log.Warn($"{_role} answered what ended its socket: {e.GetType().Name}: {e.Message}");
        }
        End();
    }

    private static bool IsBare(FileDescriptor[] descriptors)
    {
        foreach (FileDescriptor descriptor in descriptors)
            descriptor.Dispose();
        return descriptors.Length == 0;
    }

    private void End()
    {
        List<Pending> lost;
        lock (_gate)
        {
            Lost = true;
            lost = [.. _pending.Values];
            _pending.Clear();
        }
        // First wake a sender that waits for room, then close the descriptor while nobody can be using its number.
        _socket.Shutdown();
        lock (_sending)
        {
            lock (_closing)
            {
                _closed = true;
                _socket.Dispose();
            }
        }
        foreach (Pending pending in lost)
            pending.Answer.TrySetException(new FetchLostException($"the {_role} process ended before it had answered"));
    }

    private bool TryTake(uint id, FetchVerb verb, ReadOnlySpan<byte> payload)
    {
        Pending? pending;
        lock (_gate)
        {
            if (!_pending.TryGetValue(id, out pending))
                return true; // an answer that was given up
            if (verb != FetchVerb.Data)
                _pending.Remove(id);
        }
        lock (pending)
        {
            switch (verb)
            {
                case FetchVerb.Data when payload.Length <= pending.Destination.Length - pending.Filled:
                    payload.CopyTo(pending.Destination.Span[pending.Filled..]);
                    pending.Filled += payload.Length;
                    return true;
                case FetchVerb.Done:
                    pending.Answer.TrySetResult(pending.Filled);
                    return true;
                case FetchVerb.Failed:
                    pending.Answer.TrySetException(FetchMessage.Failure(payload));
                    return true;
                default:
                    pending.Answer.TrySetException(new FetchLostException($"the {_role} process sent more than was asked for"));
                    return false;
            }
        }
    }

    private sealed class Pending(Memory<byte> destination)
    {
        public Memory<byte> Destination { get; set; } = destination;
        public int Filled { get; set; }
        public TaskCompletionSource<int> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
