using System.Net;
using System.Net.Sockets;
using System.Text.Json;

using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>A port of this computer at which zos forward takes connections.</summary>
internal sealed class ForwardListener : IDisposable
{
    // Connections that wait to be taken.
    private const int Backlog = 64;

    private readonly Socket _socket;

    private ForwardListener(Socket socket, ForwardPort port)
    {
        _socket = socket;
        Remote = port.Remote;
        Begin = JsonSerializer.SerializeToUtf8Bytes(new ForwardBegin { Port = port.Remote }, SessionJson.Default.ForwardBegin);
    }

    /// <summary>Where it listens.</summary>
    public EndPoint Local => _socket.LocalEndPoint!;

    /// <summary>The machine's port.</summary>
    public int Remote { get; }

    /// <summary>What begins each connection's channel.</summary>
    public byte[] Begin { get; }

    /// <summary>Listens.</summary>
    /// <exception cref="CliException">The port is taken, or not for everybody, or the address is not this computer's.</exception>
    public static ForwardListener Open(IPAddress address, ForwardPort port)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port.Local));
            socket.Listen(Backlog);
            return new ForwardListener(socket, port);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            string other = $"choose another as LOCAL:{port.Remote}, or 0:{port.Remote} for any that is free";
            throw new CliException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"port {port.Local} is taken on {address}; {other}",
                SocketError.AccessDenied => $"port {port.Local} on {address} needs more rights than yours; {other}",
                SocketError.AddressNotAvailable => $"{address} is no address of this computer",
                _ => $"cannot listen at port {port.Local} on {address}: {e.Message}",
            });
        }
    }

    /// <summary>The next connection.</summary>
    /// <exception cref="SocketException">It cannot be taken.</exception>
    public ValueTask<Socket> AcceptAsync(CancellationToken cancellation) => _socket.AcceptAsync(cancellation);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
