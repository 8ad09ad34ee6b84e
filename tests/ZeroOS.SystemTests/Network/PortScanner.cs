using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Network;

/// <summary>
/// Asks every port of a node from its own network, and notes every packet that comes back from it, whatever it is. A firewall that drops gives no answer to
/// wait for: a scan is honest because every probe reached the node, and one in which its card lost a frame is made again, more slowly.
/// </summary>
internal sealed class PortScanner : IDisposable
{
    private const ushort Ipv6 = 0x86dd, MyPort = 40_000;
    private const int ProbesInARow = 64, Attempts = 3;
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(1), s_leastPause = TimeSpan.FromMilliseconds(4);
    private readonly TimeSpan _pause;
    private readonly Lan _lan;
    private readonly string _link;
    private readonly MacAddress _node;
    private readonly PacketSocket _four, _six;
    private readonly byte[] _buffer = new byte[2048];

    /// <summary>
    /// Stands on the network beside the node whose card is at that tap and has that address; it gets <paramref name="pause"/> of silence to take in 64 probes.
    /// </summary>
    public PortScanner(Lan lan, string link, MacAddress node, TimeSpan pause)
    {
        (_lan, _link, _node, _pause) = (lan, link, node, pause);
        int bridge = lan.Space.Route.GetLink(Lan.Bridge).Index;
        (_four, _six) = lan.Space.Run(() => (new PacketSocket(bridge, PacketSocket.Ipv4, []), new PacketSocket(bridge, Ipv6, [])));
    }

    /// <summary>
    /// Every TCP and UDP port of an address, ping, and every other IP protocol; <paramref name="from"/> is this side's address of the same kind.
    /// </summary>
    public HashSet<Answer> Scan(IPAddress from, IPAddress to)
    {
        List<byte[]> probes = [];
        for (int port = 0; port <= ushort.MaxValue; port++)
            probes.AddRange([Probe.Syn(from, to, MyPort, (ushort)port), Probe.Datagram(from, to, MyPort, (ushort)port)]);
        probes.Add(Probe.Echo(from, to));
        for (int protocol = 0; protocol <= byte.MaxValue; protocol++)
            probes.Add(Probe.OfProtocol(from, to, (byte)protocol));
        PacketSocket socket = to.AddressFamily == AddressFamily.InterNetworkV6 ? _six : _four;
        HashSet<Answer> answers = [];
        byte[][] shuffled = [.. probes];
        new Random(1).Shuffle(shuffled); // in order, a limit or a full queue would hide neighbours together
        TimeSpan pause = _pause;
        for (int attempt = 1; ; attempt++, pause = (pause > s_leastPause ? pause : s_leastPause) * 3)
        {
            long before = _lan.Lost(_link);
            Ask(socket, to, shuffled, pause, answers);
            long lost = _lan.Lost(_link) - before;
            if (lost == 0)
                return answers;
            Assert.True(attempt < Attempts, $"{lost} probes for {to} never reached the node: the scan proves nothing");
        }
    }

    private void Ask(PacketSocket socket, IPAddress to, byte[][] probes, TimeSpan pause, HashSet<Answer> answers)
    {
        for (int i = 0; i < probes.Length; i++)
        {
            Send(socket, to, probes[i]);
            if (i % ProbesInARow == 0)
                TakeUntilSilent(socket, to, answers, pause);
        }
        TakeUntilSilent(socket, to, answers, s_silence);
    }

    /// <summary>Which of a few TCP ports accept a connection now.</summary>
    public HashSet<int> Ask(IPAddress from, IPAddress to, params int[] ports)
    {
        HashSet<Answer> answers = [];
        foreach (int port in ports)
            Send(_four, to, Probe.Syn(from, to, MyPort, (ushort)port));
        TakeUntilSilent(_four, to, answers, s_silence);
        return [.. answers.Where(a => a.Open).Select(a => a.Port)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _four.Dispose();
        _six.Dispose();
    }

    private void Send(PacketSocket socket, IPAddress to, byte[] probe)
    {
        Errno refused = socket.TrySend(_node, probe);
        if (refused is not Errno.None)
            throw new LinuxException(refused, "send", $"probe for {to}");
    }

    /// <summary>Takes in answers until none that is new has come for so long.</summary>
    private void TakeUntilSilent(PacketSocket socket, IPAddress node, HashSet<Answer> answers, TimeSpan silence)
    {
        Stopwatch silent = Stopwatch.StartNew();
        do
        {
            int left = (int)Math.Ceiling(Math.Max(0, (silence - silent.Elapsed).TotalMilliseconds));
            if (Polling.IsReadable(socket.Descriptor, left) && Collect(socket, node, answers))
                silent.Restart();
        }
        while (silent.Elapsed < silence);
    }

    private bool Collect(PacketSocket socket, IPAddress node, HashSet<Answer> answers)
    {
        bool anything = false;
        while (socket.TryReceive(_buffer, out int length) is Errno.None)
        {
            if (Answer.Read(_buffer.AsSpan(0, length)) is { } answer && (answer.ToPort == MyPort || answer.Protocol is not (Probe.Tcp or Probe.Udp))
                && answer.From.GetAddressBytes().AsSpan().SequenceEqual(node.GetAddressBytes()))
                anything |= answers.Add(answer);
        }
        return anything;
    }
}
