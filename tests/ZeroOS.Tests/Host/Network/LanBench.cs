using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Host.Network;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;
using ZeroOS.Tests.Shared;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Network;

/// <summary>
/// A farmer's LAN in a namespace, like QEMU's user network: a DHCP server, a gateway 10.0.2.2, a resolver 10.0.2.3, a neighbour 10.0.2.50 and "the internet"
/// 8.8.8.8; and a node in another, with a real uplink. TCP services answer who they saw; UDP 53 echoes.
/// </summary>
internal sealed class LanBench : IDisposable
{
    public const string Gateway = "10.0.2.2", Resolver = "10.0.2.3", Neighbour = "10.0.2.50", Internet = "8.8.8.8", NodeAddress = "10.0.2.15";
    private readonly List<IDisposable> _things = [];
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-lan-").FullName;

    public LanBench(int? leaseMtu = null)
    {
        Dhcp.Mtu = leaseMtu;
        Lan = Keep(NetworkNamespace.Create("lan"));
        NetworkNamespace node = Keep(NetworkNamespace.Create("node"));
        Lan.Route.CreateVeth("lan0", "eth0", node.Descriptor);
        int link = Lan.Route.GetLink("lan0").Index;
        foreach (string address in new[] { Gateway, Resolver, Neighbour })
            Lan.Route.PutAddress(link, IPAddress.Parse(address), 24);
        int loopback = Lan.Route.GetLink("lo").Index;
        Lan.Route.PutAddress(loopback, IPAddress.Parse(Internet), 32);
        Lan.Route.ChangeLink(loopback, new LinkChange { Up = true });
        Lan.Route.ChangeLink(link, new LinkChange { Up = true });
        node.Route.ChangeLink(node.Route.GetLink("lo").Index, new LinkChange { Up = true });
        foreach (int port in new[] { 80, 53, 5000, 8051 })
            Serve(Lan, port);
        EchoDns(Lan, IPAddress.Parse(Resolver));
        EchoDns(Lan, IPAddress.Parse(Gateway));
        ServeDhcp();
        Node = node;
        StartNode();
        if (!Uplink.HasAddress.Wait(TimeSpan.FromSeconds(20)))
            throw new TimeoutException($"no lease:\n{string.Join('\n', Log)}");
    }

    public const uint DoorGroup = 4322;

    public ConcurrentQueue<string> Log { get; } = [];

    public DhcpServer Dhcp { get; } = new();

    public WorkloadNames Names { get; } = new(new byte[WorkloadNames.KeyBytes]);

    public NetworkNamespace Lan { get; }

    public NetworkNamespace Node { get; }

    public Uplink Uplink { get; private set; }

    public Networks Networks { get; private set; }

    public string StateDirectory => Path.Combine(_directory, "state");

    public string ResolvConf => Path.Combine(_directory, "resolv.conf");

    public string NetworksDirectory => Path.Combine(_directory, "networks");

    /// <summary>As if the node process had died and come back; returns when the lease is confirmed.</summary>
    public void RestartNode()
    {
        Networks.Dispose();
        Uplink.Dispose();
        StartNode();
        if (!SpinWait.SpinUntil(() => Uplink.Current.Nics is [{ Dhcp: "bound" }], TimeSpan.FromSeconds(20)))
            throw new TimeoutException($"lease not confirmed:\n{string.Join('\n', Log)}");
    }

    [MemberNotNull(nameof(Uplink), nameof(Networks))]
    private void StartNode()
    {
        Uplink = new Uplink(StateDirectory, ResolvConf, new LineLog(Log.Enqueue), Node, l => l.Name.StartsWith("eth", StringComparison.Ordinal));
        Networks = new Networks(Uplink, Names, new FirewallGroups(Fetch: 4321, Door: DoorGroup), 4L << 30, new LineLog(Log.Enqueue), NetworksDirectory);
        Uplink.Start();
    }

    /// <summary>A TCP service that says who connected, once a line per line it gets.</summary>
    public void Serve(NetworkNamespace space, int port)
    {
        Socket listener = Keep(space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)));
        listener.Bind(new IPEndPoint(IPAddress.Any, port));
        listener.Listen(64);
        _ = Task.Run(async () =>
        {
            while (true)
            {
                Socket client = await listener.AcceptAsync();
                _ = Task.Run(async () =>
                {
                    using NetworkStream stream = new(client, ownsSocket: true);
                    byte[] who = Encoding.ASCII.GetBytes($"{((IPEndPoint)client.RemoteEndPoint!).Address}\n");
                    byte[] buffer = new byte[64];
                    do
                        await stream.WriteAsync(who);
                    while (await stream.ReadAsync(buffer) > 0);
                });
            }
        });
    }

    /// <summary>Connects and returns the service's first line, or null when there is no way.</summary>
    public static string? Ask(NetworkNamespace space, string address, int port, int timeoutMs = 1000, IPAddress? from = null)
    {
        using Socket? socket = Connect(space, address, port, timeoutMs, from);
        return socket is null ? null : ReadLine(socket);
    }

    public static Socket? Connect(NetworkNamespace space, string address, int port, int timeoutMs = 1000, IPAddress? from = null)
    {
        Socket socket = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        try
        {
            if (from is not null)
                socket.Bind(new IPEndPoint(from, 0));
            using CancellationTokenSource patience = new(timeoutMs);
            socket.ConnectAsync(IPAddress.Parse(address), port, patience.Token).AsTask().GetAwaiter().GetResult();
            return socket;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return null;
        }
    }

    public static string ReadLine(Socket socket)
    {
        byte[] buffer = new byte[64];
        socket.ReceiveTimeout = 3000;
        return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)).Trim();
    }

    /// <summary>Sends a datagram, again each second that nothing comes back, and returns whether an answer came.</summary>
    public static bool AskDns(NetworkNamespace space, string address, int port = 53, int attempts = 4)
    {
        using Socket socket = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.ReceiveTimeout = 1000;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            try
            {
                socket.Connect(IPAddress.Parse(address), port);
                socket.Send([1, 2, 3]);
                return socket.Receive(new byte[16]) == 3;
            }
            catch (SocketException)
            {
                // Nothing yet, or a refusal.
            }
        }
        return false;
    }

    public T Keep<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    public void Dispose()
    {
        Networks.Dispose();
        Uplink.Dispose();
        for (int i = _things.Count - 1; i >= 0; i--)
            _things[i].Dispose();
        if (Directory.Exists(NetworksDirectory))
        {
            foreach (string file in Directory.EnumerateFiles(NetworksDirectory))
                NetworkNamespace.Forget(file);
        }
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A UDP service on port 53 that sends back what it gets.</summary>
    public void EchoDns(NetworkNamespace space, IPAddress address)
    {
        Socket socket = Keep(space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)));
        socket.Bind(new IPEndPoint(address, 53));
        _ = Task.Run(async () =>
        {
            byte[] buffer = new byte[512];
            while (true)
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                await socket.SendToAsync(buffer.AsMemory(0, got.ReceivedBytes), got.RemoteEndPoint);
            }
        });
    }

    /// <summary>A UDP service that answers each datagram with its name.</summary>
    public void ServeUdp(NetworkNamespace space, int port, string name, string? address = null)
    {
        Socket socket = Keep(space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)));
        socket.Bind(new IPEndPoint(address is null ? IPAddress.Any : IPAddress.Parse(address), port));
        _ = Task.Run(async () =>
        {
            byte[] buffer = new byte[512];
            while (true)
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                await socket.SendToAsync(Encoding.ASCII.GetBytes(name), got.RemoteEndPoint);
            }
        });
    }

    /// <summary>Sends a datagram from a connected socket, again a few times, and returns what comes back, or null.</summary>
    public static string? AskAgain(Socket socket, int attempts = 5)
    {
        byte[] buffer = new byte[64];
        socket.ReceiveTimeout = 400;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            try
            {
                socket.Send("?"u8);
                return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
            }
            catch (SocketException)
            {
                // Nothing yet, or a refusal.
            }
        }
        return null;
    }

    /// <summary>Connections that a namespace remembers, a line each, of both IP versions.</summary>
    public static string[] Connections(NetworkNamespace space) =>
        NamespaceTool.Run(space, "cat", "/proc/net/nf_conntrack").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private void ServeDhcp()
    {
        Socket socket = Keep(Lan.Run(() =>
        {
            Socket made = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
            made.SetRawSocketOption(1, 25, "lan0"u8);
            made.Bind(new IPEndPoint(IPAddress.Any, 67));
            return made;
        }));
        _ = Task.Run(async () =>
        {
            byte[] buffer = new byte[2048];
            while (true)
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                if (Dhcp.Answer(buffer.AsSpan(0, got.ReceivedBytes)) is { } answer)
                    await socket.SendToAsync(answer, new IPEndPoint(IPAddress.Broadcast, 68));
            }
        });
    }
}
