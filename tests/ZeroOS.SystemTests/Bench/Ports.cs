using System.Net;
using System.Net.Sockets;

namespace ZeroOS.SystemTests.Bench;

/// <summary>Free TCP ports of this computer's loopback.</summary>
internal static class Ports
{
    /// <summary>A port nobody listens on now.</summary>
    public static int Free() => Free(1)[0];

    /// <summary>So many different ports nobody listens on now: all are held until the last one is found.</summary>
    public static int[] Free(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            foreach (TcpListener listener in listeners)
                listener.Start();
            return [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener listener in listeners)
                listener.Dispose();
        }
    }
}
