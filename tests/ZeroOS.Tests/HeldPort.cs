using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Tests;

/// <summary>
/// A TCP port that nobody is given by chance, also while nobody listens on it. Its socket is bound and never listens. Who asks for this very port with
/// SO_REUSEADDR gets it: .NET's sockets and Go's do, and may close and open it again.
/// </summary>
internal sealed class HeldPort : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);

    public HeldPort()
    {
        // .NET sets SO_REUSEADDR when it binds; the kernel chooses the port.
        _socket.Bind(new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        Number = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    /// <summary>The port.</summary>
    public int Number { get; }

    public void Dispose() => _socket.Dispose();
}
