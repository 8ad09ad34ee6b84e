using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

using ZeroOS.Bus.Gates;
using ZeroOS.Linux;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// Kestrel's sockets behind an accepting thread of our own. Under a flood the thread pool is late, and the kernel drops what does not fit its queue of waiting
/// connections: an honest client then waits for its own retransmissions, seconds each. This thread takes everything off that queue and resets at once what is
/// over <see cref="AcceptLimits"/> or finds no place in the <see cref="ConnectionTable"/>. It looks at the first bytes of the others, and leaves them unread:
/// what begins as a request for a session, or has not said yet what it is, goes to <see cref="SessionDoor"/>, all else to Kestrel.
/// </summary>
internal sealed class LimitedTransport(AcceptLimits limits, ConnectionTable table, SessionDoor sessions, int backlog) : IConnectionListenerFactory
{
    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket socket;
        if (endpoint is FileHandleEndPoint inherited)
        {
            socket = new Socket(new SafeSocketHandle((nint)inherited.FileHandle, ownsHandle: true));
        }
        else
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endpoint is IPEndPoint { Address: { } address } && address.Equals(IPAddress.IPv6Any))
                socket.DualMode = true;
            socket.Bind(endpoint);
            socket.Listen(backlog);
        }
        socket.Blocking = false;
        return ValueTask.FromResult<IConnectionListener>(new Listener(socket, endpoint is not FileHandleEndPoint, limits, table, sessions));
    }

    private sealed class Listener : IConnectionListener
    {
        // Connections that were let in and that the thread pool has not come to.
        private const int MaxWaiting = 256;

        // Connections that Kestrel does not have. More than there are places: they were taken away, and the thread pool has not come to close them.
        private static readonly int s_maxUnread = new ConnectionLimits().Unproven + MaxWaiting;

        // How long the end of a listener on an inherited socket may go unnoticed, in microseconds.
        private const int LookEveryUs = 1_000_000;

        private readonly Socket _socket;
        private readonly bool _own;
        private readonly AcceptLimits _limits;
        private readonly ConnectionTable _table;
        private readonly SessionDoor _sessions;
        private readonly SocketConnectionContextFactory _connections = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);
        private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(MaxWaiting);
        private readonly ConnectionWatch _watch = new();
        private readonly ConcurrentDictionary<UnreadConnection, TaskCompletionSource> _unread = new();
        private readonly Thread _accepting;
        private int _unreadCount;
        private volatile bool _ended;

        public Listener(Socket socket, bool own, AcceptLimits limits, ConnectionTable table, SessionDoor sessions)
        {
            (_socket, _own, _limits, _table, _sessions, EndPoint) = (socket, own, limits, table, sessions, socket.LocalEndPoint!);
            _accepting = new Thread(Accept) { Name = "door-accept", IsBackground = true };
            _accepting.Start();
        }

        public EndPoint EndPoint { get; }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
            {
                if (!_waiting.Reader.TryRead(out Waiting taken))
                    continue;
                ConnectionContext connection = _connections.Create(taken.Socket);
                connection.Features.Set(taken.Place);
                if (!taken.Place.TryBind(Abort))
                    Abort();
                return connection;

                void Abort() => connection.Abort(new ConnectionAbortedException("room is needed for another connection"));
            }
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _ended = true;
            _waiting.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            _ended = true;
            _waiting.Writer.TryComplete();
            if (_own)
            {
                // Wakes the thread, and the port is free again. A socket that PID 1 holds must go on listening: its thread ends by itself.
                _socket.Shutdown(SocketShutdown.Both);
                _accepting.Join();
                _socket.Dispose();
            }
            foreach (UnreadConnection connection in _unread.Keys)
                connection.Abort();
            await Task.WhenAll(_unread.Values.Select(ended => ended.Task));
            while (_waiting.Reader.TryRead(out Waiting taken))
            {
                Reset(taken.Socket);
                _table.Leave(taken.Place);
            }
            _watch.Dispose();
            _connections.Dispose();
        }

        private void Accept()
        {
            int listener = (int)_socket.Handle;
            while (!_ended)
            {
                try
                {
                    _socket.Poll(LookEveryUs, SelectMode.SelectRead);
                }
                catch (SocketException e) when (e.SocketErrorCode is not SocketError.NotSocket)
                {
                    Thread.Yield();
                }
                Errno errno = Errno.None;
                while (!_ended && (errno = ListeningSocket.TryTake(listener, out int connection, out IPAddress? from)) == Errno.None)
                    Take(connection, Origin.Of(from));
                if (errno is not (Errno.None or Errno.EAGAIN))
                    Thread.Yield();     // the client has gone, or descriptors are short: the next one may do better
            }
            if (!_own)
                _socket.Dispose();
        }

        // What is refused costs three calls of the kernel and no object: a flood of new connections keeps nobody waiting in the kernel's queue.
        private void Take(int connection, Origin from)
        {
            if (!_limits.Allow(from) || Volatile.Read(ref _unreadCount) >= s_maxUnread || _table.Enter(from) is not ConnectionPlace place)
            {
                ListeningSocket.Reset(connection);
                return;
            }
            StreamSocket socket = new(new FileDescriptor(connection));
            TcpConnection.SendAtOnce(socket.Descriptor);
            TcpKeepAlive.Usual.Set(socket.Descriptor);      // a client that lost its power gives its stream back
            Span<byte> first = stackalloc byte[SessionRequest.FirstBytes.Length];
            if (socket.TryPeekNow(first, out int shown) == Errno.None && (shown == 0 || SessionRequest.Begins(first[..shown]) == false))
                Pass(socket.Descriptor, place);
            else
                Look(socket, place);
        }

        /// <summary>Hands a connection to Kestrel, which comes for it when the thread pool has time.</summary>
        private void Pass(FileDescriptor connection, ConnectionPlace place)
        {
            SafeSocketHandle handle = new(connection.Number, ownsHandle: true);
            connection.SetHandleAsInvalid();
            try
            {
                Socket socket = new(handle);
                if (_waiting.Writer.TryWrite(new Waiting(socket, place)))
                    return;
                Reset(socket);
            }
            catch (SocketException)
            {
                handle.Dispose();   // it has gone
            }
            _table.Leave(place);
        }

        /// <summary>Has a connection looked at that asks for a session, or does not say yet what it asks for.</summary>
        private void Look(StreamSocket socket, ConnectionPlace place)
        {
            try
            {
                UnreadConnection connection = new(socket, place, _watch);
                Interlocked.Increment(ref _unreadCount);
                TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _unread[connection] = ended;
                _ = Task.Run(() => ServeAsync(connection, ended));
            }
            catch (LinuxException)
            {
                socket.Dispose();   // the kernel has no room to watch it
                _table.Leave(place);
            }
        }

        private async Task ServeAsync(UnreadConnection connection, TaskCompletionSource ended)
        {
            bool passed = false;
            try
            {
                passed = !await _sessions.TryServeAsync(connection);
            }
            catch (Exception)
            {
                // The boundary of one connection: whatever happens on it ends it, and nothing that a stranger does may write a line.
            }
            if (passed)
            {
                Pass(connection.Release(), connection.Place);
            }
            else
            {
                connection.Dispose();
                _table.Leave(connection.Place);
            }
            Interlocked.Decrement(ref _unreadCount);
            _unread.TryRemove(connection, out _);
            ended.SetResult();
        }

        // No lingering: the client hears at once that it was not taken.
        private static void Reset(Socket socket) => socket.Close(0);

        /// <summary>A connection that was let in and that Kestrel has not come for.</summary>
        private readonly record struct Waiting(Socket Socket, ConnectionPlace Place);
    }
}
