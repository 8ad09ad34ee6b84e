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
/// over <see cref="AcceptLimits"/>.
/// </summary>
internal sealed class LimitedTransport(AcceptLimits limits, int backlog) : IConnectionListenerFactory
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
        return ValueTask.FromResult<IConnectionListener>(new Listener(socket, endpoint is not FileHandleEndPoint, limits));
    }

    private sealed class Listener : IConnectionListener
    {
        // Connections that were let in and that the thread pool has not come to.
        private const int MaxWaiting = 256;

        // How long the end of a listener on an inherited socket may go unnoticed, in microseconds.
        private const int LookEveryUs = 1_000_000;

        private readonly Socket _socket;
        private readonly bool _own;
        private readonly AcceptLimits _limits;
        private readonly SocketConnectionContextFactory _connections = new(new SocketConnectionFactoryOptions(), NullLogger.Instance);
        private readonly Channel<Socket> _waiting = Channel.CreateBounded<Socket>(new BoundedChannelOptions(MaxWaiting) { SingleWriter = true });
        private readonly Thread _accepting;
        private volatile bool _ended;

        public Listener(Socket socket, bool own, AcceptLimits limits)
        {
            (_socket, _own, _limits, EndPoint) = (socket, own, limits, socket.LocalEndPoint!);
            _accepting = new Thread(Accept) { Name = "door-accept", IsBackground = true };
            _accepting.Start();
        }

        public EndPoint EndPoint { get; }

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
            {
                if (_waiting.Reader.TryRead(out Socket? socket))
                    return _connections.Create(socket);
            }
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _ended = true;
            _waiting.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _ended = true;
            _waiting.Writer.TryComplete();
            while (_waiting.Reader.TryRead(out Socket? socket))
                Reset(socket);
            _connections.Dispose();
            if (_own)
            {
                // Wakes the thread, and the port is free again. A socket that PID 1 holds must go on listening: its thread ends by itself.
                _socket.Shutdown(SocketShutdown.Both);
                _accepting.Join();
                _socket.Dispose();
            }
            return ValueTask.CompletedTask;
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
            if (!_limits.Allow(from))
            {
                ListeningSocket.Reset(connection);
                return;
            }
            Socket socket = new(new SafeSocketHandle(connection, ownsHandle: true));
            try
            {
                socket.NoDelay = true;
                TcpKeepAlive.Usual.Set(socket);     // a client that lost its power gives its stream back
                if (_waiting.Writer.TryWrite(socket))
                    return;
            }
            catch (SocketException)
            {
                // it has gone
            }
            Reset(socket);
        }

        // No lingering: the client hears at once that it was not taken.
        private static void Reset(Socket socket) => socket.Close(0);
    }
}
