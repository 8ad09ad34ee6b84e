using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>A program that listens on loopback, as one in a machine does; a thread a connection. What waits too long throws.</summary>
internal sealed class PlayedService : IDisposable
{
    private const int PatienceMs = 20_000;

    private readonly Socket _listener;
    private readonly BlockingCollection<Socket> _taken = [];
    private readonly BlockingCollection<string> _ends = [];

    /// <summary>One that does this with each connection.</summary>
    public PlayedService(Action<Socket> serve, IPAddress? address = null, int receiveBuffer = 0)
    {
        address ??= IPAddress.Loopback;
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer > 0)
            _listener.ReceiveBufferSize = receiveBuffer;
        _listener.Bind(new IPEndPoint(address, 0));
        _listener.Listen(128);
        AnsweringThread.Start("service", () =>
        {
            while (true)
            {
                Socket connection = _listener.Accept();
                connection.ReceiveTimeout = connection.SendTimeout = PatienceMs;
                _taken.Add(connection);
                AnsweringThread.Start("connection", () => Serve(connection, serve));
            }
        });
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Says everything back, and ends when the other side does.</summary>
    public static PlayedService Echo(IPAddress? address = null) => new(connection =>
    {
        byte[] buffer = new byte[10_000];
        while (connection.Receive(buffer) is > 0 and int count)
            SendAll(connection, buffer.AsSpan(0, count));
    }, address);

    /// <summary>Does nothing with a connection but to wait for its end.</summary>
    public static PlayedService Silent() => new(connection =>
    {
        while (connection.Receive(new byte[100]) > 0)
        {
        }
    });

    /// <summary>How the next connection that was served ended: "end", or the error of its socket.</summary>
    public string NextEnd() => _ends.TryTake(out string? end, PatienceMs) ? end : "none ended";

    public static void SendAll(Socket connection, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
            data = data[connection.Send(data)..];
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (Socket connection in _taken)
            connection.Dispose();
    }

    private void Serve(Socket connection, Action<Socket> serve)
    {
        string end = "end";
        try
        {
            serve(connection);
        }
        catch (SocketException e)
        {
            end = e.SocketErrorCode.ToString();
        }
        connection.Dispose();
        _ends.Add(end);
    }
}
