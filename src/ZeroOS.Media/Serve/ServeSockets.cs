using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ZeroOS.Media.Serve;

/// <summary>Sockets that hear and speak on one interface only.</summary>
internal sealed class ServeSockets(string? device)
{
    private const int SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_BINDTODEVICE = 25;

    /// <summary>
    /// A UDP socket. <see cref="IPAddress.Broadcast"/> as the address hears broadcasts only, and lets a DHCP server of this computer, which hears everything on
    /// its port, live beside it and keep what is sent to it alone.
    /// </summary>
    /// <exception cref="MediaException">The port is taken or not for this user.</exception>
    public Socket Udp(IPAddress address, int port, string what)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        if (address.Equals(IPAddress.Broadcast))
        {
            socket.EnableBroadcast = true;
            socket.SetRawSocketOption(SOL_SOCKET, SO_REUSEADDR, BitConverter.GetBytes(1));
        }
        return Bind(socket, address, port, $"UDP port {port} ({what})");
    }

    /// <summary>A listening TCP socket.</summary>
    /// <exception cref="MediaException">The port is taken or not for this user.</exception>
    public Socket Tcp(IPAddress address, int port, string what)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetRawSocketOption(SOL_SOCKET, SO_REUSEADDR, BitConverter.GetBytes(1));
        Bind(socket, address, port, string.Create(CultureInfo.InvariantCulture, $"TCP port {port} ({what})")).Listen(64);
        return socket;
    }

    private Socket Bind(Socket socket, IPAddress address, int port, string what)
    {
        try
        {
            if (device is not null)
                socket.SetRawSocketOption(SOL_SOCKET, SO_BINDTODEVICE, Encoding.ASCII.GetBytes(device));
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new MediaException(e.SocketErrorCode switch
            {
                SocketError.AccessDenied =>
                    $"{what} is not for this user; run as root, or once: sudo setcap cap_net_bind_service,cap_net_raw+ep \"$(command -v zos)\"",
                SocketError.AddressAlreadyInUse =>
                    $"{what} is taken by another program on this computer; stop it (ss -lnp tells which), or serve from another computer of the network",
                _ => $"{what} cannot be opened on {device ?? address.ToString()}: {e.Message}",
            });
        }
    }
}
