using System.Net;
using System.Net.Sockets;
using System.Text.Json;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client.Forwarding;

/// <summary>A TCP port of this computer whose connections go to a port of a machine.</summary>
public sealed class ForwardListener : IDisposable
{
    // Connections that wait to be taken.
    private const int Backlog = 64;

    private readonly Socket _socket;

    private ForwardListener(Socket socket, int remote)
    {
        _socket = socket;
        Local = (IPEndPoint)socket.LocalEndPoint!;
        Remote = remote;
        Begin = JsonSerializer.SerializeToUtf8Bytes(new ForwardBegin { Port = remote }, SessionJson.Default.ForwardBegin);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Local { get; }

    /// <summary>The machine's port.</summary>
    public int Remote { get; }

    /// <summary>What begins each connection's channel.</summary>
    internal byte[] Begin { get; }

    /// <summary>Listens; at port 0 that is any that is free. <paramref name="remote"/> is 1 to 65535.</summary>
    /// <exception cref="SocketException">The port is taken, or not for everybody, or the address is not this computer's.</exception>
    public static ForwardListener Open(IPEndPoint local, int remote)
    {
        Socket socket = new(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(local);
            socket.Listen(Backlog);
            return new ForwardListener(socket, remote);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The next connection.</summary>
    /// <exception cref="SocketException">It cannot be taken.</exception>
    public ValueTask<Socket> AcceptAsync(CancellationToken cancellation) => _socket.AcceptAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
