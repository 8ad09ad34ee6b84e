using System.Collections.Concurrent;

using ZeroOS.Images.Fetch;
using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>One thread, "chunk-sockets", that waits for the requests of all monitors. Whatever goes wrong with one ends that one's socket.</summary>
internal sealed class ChunkSocketLoop : IDisposable
{
    private readonly ConcurrentDictionary<ulong, ChunkSocket> _sockets = new();
    private readonly Epoll _epoll = new();
    private readonly EventFd _wake = new();
    private readonly ILog _log;
    private readonly Thread _thread;
    private ulong _lastToken;
    private volatile bool _stopping;

    /// <summary>Starts the thread.</summary>
    public ChunkSocketLoop(ILog log)
    {
        _log = log;
        _epoll.Add(_wake.Descriptor, Readiness.Readable, 0);
        _thread = new Thread(Run, 256 * 1024) { Name = "chunk-sockets", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Serves a monitor's requests for chunks of <paramref name="image"/> until it closes its end. Takes the socket and the use.</summary>
    public void Add(SeqPacketSocket socket, Image image, FetchSource source, ImageUse use)
    {
        ulong token = Interlocked.Increment(ref _lastToken);
        ChunkSocket added = new(socket, image, source, use, _epoll, token);
        _sockets[token] = added;
        added.Open();
    }

    /// <summary>Stops the thread and closes the sockets.</summary>
    public void Dispose()
    {
        _stopping = true;
        _wake.Signal();
        _thread.Join();
        foreach (ChunkSocket socket in _sockets.Values)
            socket.Close();
        _epoll.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        (ulong Token, Readiness Ready)[] ready = new (ulong Token, Readiness Ready)[64];
        while (!_stopping)
        {
            int count = _epoll.Wait(ready, -1);
            for (int i = 0; i < count; i++)
            {
                if (_sockets.TryGetValue(ready[i].Token, out ChunkSocket? socket))
                    Serve(ready[i].Token, socket, ready[i].Ready);
            }
        }
    }

    private void Serve(ulong token, ChunkSocket socket, Readiness ready)
    {
        try
        {
            bool goesOn = (ready & (Readiness.HangUp | Readiness.Error)) == 0;
            if (goesOn && ready.HasFlag(Readiness.Writable))
                socket.Flush();
            if (goesOn && ready.HasFlag(Readiness.Readable))
                goesOn = socket.TryTakeRequests();
            if (!goesOn)
                End(token, socket);
        }
        catch (Exception e)
        {
            _log.Warn($"image={socket.Image.Digest} a monitor's requests are no longer served: {e.GetType().Name}: {e.Message}");
            End(token, socket);
        }
    }

    private void End(ulong token, ChunkSocket socket)
    {
        _sockets.TryRemove(token, out _);
        try
        {
            socket.Close();
        }
        catch (Exception e)
        {
            _log.Warn($"image={socket.Image.Digest} a monitor's socket did not close: {e.Message}");
        }
    }
}
