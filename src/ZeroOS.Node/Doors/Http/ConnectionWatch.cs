using System.Collections.Concurrent;

using ZeroOS.Linux;

namespace ZeroOS.Node.Doors.Http;

/// <summary>Tells unread connections when something of theirs changed. Its thread does nothing else and waits for nobody.</summary>
internal sealed class ConnectionWatch : IDisposable
{
    private const Readiness Changes = Readiness.Readable | Readiness.Writable | Readiness.PeerClosed | Readiness.EdgeTriggered;

    // How long its end may go unnoticed.
    private const int LookEveryMs = 1_000;

    private readonly Epoll _epoll = new();
    private readonly ConcurrentDictionary<ulong, UnreadConnection> _watched = new();
    private readonly Lock _lock = new();
    private ulong _lastToken;
    private bool _closed;
    private volatile bool _ended;

    public ConnectionWatch() => new Thread(Run) { Name = "door-watch", IsBackground = true }.Start();

    /// <summary>Begins to tell a connection; returns what it is removed by.</summary>
    /// <exception cref="LinuxException">The kernel has no room.</exception>
    public ulong Add(FileDescriptor descriptor, UnreadConnection connection)
    {
        lock (_lock)
        {
            ulong token = ++_lastToken;
            if (_closed)
                return token;
            _watched[token] = connection;
            try
            {
                _epoll.Add(descriptor, Changes, token);
            }
            catch
            {
                _watched.TryRemove(token, out _);
                throw;
            }
            return token;
        }
    }

    /// <summary>Tells a connection no more, also when its descriptor lives on elsewhere. Before the descriptor is closed or given away.</summary>
    public void Remove(FileDescriptor descriptor, ulong token)
    {
        lock (_lock)
        {
            if (_watched.TryRemove(token, out _) && !_closed)
                _epoll.Remove(descriptor);
        }
    }

    /// <summary>Ends the thread, in its own time.</summary>
    public void Dispose() => _ended = true;

    private void Run()
    {
        Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[64];
        while (!_ended)
        {
            int count = _epoll.Wait(ready, LookEveryMs);
            for (int i = 0; i < count; i++)
            {
                if (_watched.TryGetValue(ready[i].Token, out UnreadConnection? connection))
                    connection.Stir();
            }
        }
        lock (_lock)
        {
            _closed = true;
            _epoll.Dispose();
        }
    }
}
