using System.Net;
using System.Net.Sockets;

using ZeroOS.Bus.Client;
using ZeroOS.Linux;

namespace ZeroOS.Siege;

/// <summary>Connections to the node from an address that is chosen: everybody here has one of their own.</summary>
internal static class Transports
{
    /// <summary>An honest client's transport.</summary>
    public static HttpTransport From(IPAddress address, string host, int port, TimeSpan connectTimeout) =>
        new(host, port, connectTimeout, TcpKeepAlive.Usual, () => SocketFrom(address));

    /// <summary>A socket that will dial.</summary>
    public static Socket SocketFrom(IPAddress address)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }
}
