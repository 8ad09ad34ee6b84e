using System.Net;
using System.Net.Sockets;

namespace ZeroOS.SystemTests.Bench;

/// <summary>A TCP relay between a node and a registry: counts what the registry served, goes away, or changes bytes, as a network can.</summary>
internal sealed class Middleman : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<TcpClient> _client;
    private readonly IPEndPoint _target;
    private readonly List<TcpClient> _open = [];
    private long _served;

    /// <summary>Relays from a port of loopback that is free to another one.</summary>
    public Middleman(int targetPort)
        : this(new TcpListener(IPAddress.Loopback, 0), () => new TcpClient(AddressFamily.InterNetwork), new IPEndPoint(IPAddress.Loopback, targetPort))
    {
    }

    /// <summary>
    /// Relays from a listener to a target; each connection to it begins as what <paramref name="client"/> makes, which may be a socket in another network
    /// namespace.
    /// </summary>
    public Middleman(TcpListener listener, Func<TcpClient> client, IPEndPoint target)
    {
        (_listener, _client, _target) = (listener, client, target);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = Accept();
    }

    /// <summary>The port it listens on.</summary>
    public int Port { get; }

    /// <summary>Bytes that went from the registry to the node.</summary>
    public long Served => Interlocked.Read(ref _served);

    /// <summary>No connection gets through, and open ones are cut.</summary>
    public bool Gone { get; private set; }

    /// <summary>It goes away by itself once it has served so many bytes; 0: never.</summary>
    public long GoneAfter { get; set; }

    /// <summary>Bodies of at least this many bytes in one read get a flipped byte; 0: none.</summary>
    public int CorruptFrom { get; set; }

    /// <summary>What comes from the registry goes on at this many bytes a second and connection at most; 0: at once.</summary>
    public int BytesPerSecond { get; set; }

    /// <summary>The registry is away, or back.</summary>
    public void SetGone(bool gone)
    {
        Gone = gone;
        if (!gone)
            return;
        lock (_open)
        {
            foreach (TcpClient client in _open)
                client.Dispose();
            _open.Clear();
        }
    }

    /// <summary>Stops listening and cuts everything.</summary>
    public void Dispose()
    {
        SetGone(true);
        _listener.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
                _ = Relay(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // disposed: the test is over
        }
    }

    private async Task Relay(TcpClient client)
    {
        if (Gone)
        {
            client.Dispose();
            return;
        }
        TcpClient registry = _client();
        lock (_open)
            _open.AddRange([client, registry]);
        try
        {
            await registry.ConnectAsync(_target);
            await Task.WhenAny(Copy(client.GetStream(), registry.GetStream(), counted: false), Copy(registry.GetStream(), client.GetStream(), counted: true));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // one side went away; the other is closed with it
        }
        finally
        {
            client.Dispose();
            registry.Dispose();
        }
    }

    private async Task Copy(NetworkStream from, NetworkStream to, bool counted)
    {
        byte[] buffer = new byte[64 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer)) > 0)
        {
            if (counted)
            {
                if (Interlocked.Add(ref _served, read) > GoneAfter && GoneAfter > 0)
                {
                    SetGone(true);
                    return;
                }
                if (CorruptFrom > 0 && read >= CorruptFrom)
                    buffer[read - 1] ^= 0x40;
            }
            for (int sent = 0, piece; sent < read; sent += piece)
            {
                int rate = counted ? BytesPerSecond : 0;
                piece = rate == 0 ? read - sent : Math.Min(Math.Max(rate / 10, 1), read - sent);
                await to.WriteAsync(buffer.AsMemory(sent, piece));
                if (rate > 0)
                    await Task.Delay(100);
            }
        }
    }
}
