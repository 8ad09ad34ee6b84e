using System.Net;
using System.Net.Sockets;

namespace ZeroOS.SystemTests.Bench;

/// <summary>Free TCP ports of this computer's loopback.</summary>
internal static class Ports
{
    /// <summary>A port nobody listens on now.</summary>
    public static int Free()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
