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
/// 8.8.8.8; and a node in another, with a real uplink. TCP services answer who they saw; UDP 53 echoes. Each service has a thread, and neither it nor who asks
/// waits for the thread pool.
/// </summary>
internal sealed class LanBench : IDisposable
{
    public const string Gateway = "10.0.2.2", Resolver = "10.0.2.3", Neighbour = "10.0.2.50", Internet = "8.8.8.8", NodeAddress = "10.0.2.15";

    /// <summary>How long an answer that must come may take. Where none must come, a test gives a short time of its own.</summary>
    public const int PatienceMs = 20_000;

    private const int AttemptMs = 400;
    private static int s_questions;
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
        listener.Listen(4096);
        AnsweringThread.Start($"tcp {port}", () => AnswerClients(listener));
    }

    /// <summary>Connects and returns the service's first line, or null when there is no way.</summary>
    public static string? Ask(NetworkNamespace space, string address, int port, int timeoutMs = PatienceMs, IPAddress? from = null)
    {
        using Socket? socket = Connect(space, address, port, timeoutMs, from);
        return socket is null ? null : ReadLine(socket);
    }

    public static Socket? Connect(NetworkNamespace space, string address, int port, int timeoutMs = PatienceMs, IPAddress? from = null)
    {
        Socket socket = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        if (from is not null)
            socket.Bind(new IPEndPoint(from, 0));
        if (Connects(socket, address, port, timeoutMs))
            return socket;
        socket.Dispose();
        return null;
    }

    /// <summary>Connects a socket, and says whether that was possible in time. The caller waits in connect(2).</summary>
    public static bool Connects(Socket socket, string address, int port, int timeoutMs = PatienceMs)
    {
        // SO_SNDTIMEO ends connect(2) too (socket(7)).
        socket.SendTimeout = timeoutMs;
        try
        {
            socket.Connect(IPAddress.Parse(address), port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static string ReadLine(Socket socket)
    {
        byte[] buffer = new byte[64];
        socket.ReceiveTimeout = PatienceMs;
        return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)).Trim();
    }

    /// <summary>Sends a datagram, again each second that nothing comes back, and returns whether an answer came.</summary>
    public static bool AskDns(NetworkNamespace space, string address, int port = 53, int attempts = PatienceMs / 1000)
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
        AnswerDatagrams(socket, "echo", question => question);
    }

    /// <summary>A UDP service that answers each datagram with its name, a colon and what was in the datagram.</summary>
    public void ServeUdp(NetworkNamespace space, int port, string name, string? address = null)
    {
        Socket socket = Keep(space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)));
        socket.Bind(new IPEndPoint(address is null ? IPAddress.Any : IPAddress.Parse(address), port));
        AnswerDatagrams(socket, name, question => [.. Encoding.ASCII.GetBytes($"{name}:"), .. question]);
    }

    /// <summary>
    /// Asks a <see cref="ServeUdp"/> service from a connected socket, again a few times, and returns its name, or null. Each question has a number, so that an
    /// answer to an earlier one, which comes late, is not taken for this one's.
    /// </summary>
    public static string? AskAgain(Socket socket, int attempts = PatienceMs / AttemptMs)
    {
        byte[] buffer = new byte[64];
        string number = $"{Interlocked.Increment(ref s_questions)}";
        socket.ReceiveTimeout = AttemptMs;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            try
            {
                socket.Send(Encoding.ASCII.GetBytes(number));
                while (true)
                {
                    string answer = Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
                    if (answer.EndsWith($":{number}", StringComparison.Ordinal))
                        return answer[..^(number.Length + 1)];
                }
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

    // Each client is told who it is when it comes, and again for each line it sends.
    private static void AnswerClients(Socket listener)
    {
        List<Socket> clients = [];
        try
        {
            while (true)
            {
                List<Socket> ready = [listener, .. clients];
                Socket.Select(ready, null, null, Timeout.Infinite);
                foreach (Socket each in ready)
                {
                    bool isNew = each == listener;
                    Socket client = isNew ? listener.Accept() : each;
                    if (isNew)
                        clients.Add(client);
                    if (TryAnswer(client, isNew))
                        continue;
                    clients.Remove(client);
                    client.Dispose();
                }
            }
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    // Whether the client is still there.
    private static bool TryAnswer(Socket client, bool isNew)
    {
        try
        {
            if (!isNew && client.Receive(new byte[64]) == 0)
                return false;
            client.Send(Encoding.ASCII.GetBytes($"{((IPEndPoint)client.RemoteEndPoint!).Address}\n"));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // Answers go to who asked, or all to one place.
    private static void AnswerDatagrams(Socket socket, string name, Func<byte[], byte[]?> answer, EndPoint? to = null) => AnsweringThread.Start(name, () =>
    {
        byte[] buffer = new byte[2048];
        while (true)
        {
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            int length = socket.ReceiveFrom(buffer, ref from);
            if (answer(buffer[..length]) is { } reply)
                socket.SendTo(reply, to ?? from);
        }
    });

    private void ServeDhcp()
    {
        Socket socket = Keep(Lan.Run(() =>
        {
            Socket made = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { EnableBroadcast = true };
            made.SetRawSocketOption(1, 25, "lan0"u8);
            made.Bind(new IPEndPoint(IPAddress.Any, 67));
            return made;
        }));
        AnswerDatagrams(socket, "dhcp", question => Dhcp.Answer(question), new IPEndPoint(IPAddress.Broadcast, 68));
    }
}
