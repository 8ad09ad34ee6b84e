using System.Net;
using System.Net.Sockets;

using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Network;

/// <summary>The scanner itself, held against a machine without a firewall on which this test listens: what it must not miss on a node.</summary>
public sealed class PortScannerTests
{
    [SkippableFact]
    public async Task A_listener_a_datagram_service_and_refusals_are_all_seen_on_both_protocols()
    {
        Skip.IfNot(Lan.Missing is null, Lan.Missing);
        await using Lan lan = new();
        using NetworkNamespace machine = NetworkNamespace.Create("machine");
        IPAddress six = IPAddress.Parse("fd00:2::15");
        lan.Cable("cable", machine, "eth", Lan.First, six);
        using Socket listener = machine.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true });
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, 8051));
        listener.Listen();
        using Socket service = machine.Run(() => new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true });
        service.Bind(new IPEndPoint(IPAddress.IPv6Any, 53));
        Task echo = Echo(service);

        // Every probe is answered here, and a socket that nobody empties holds the answers to a few hundred.
        using PortScanner scanner = new(lan, "cable", machine.Route.GetLink("eth").Mac, TimeSpan.FromMilliseconds(4));
        foreach ((IPAddress from, IPAddress to) in ((IPAddress, IPAddress)[])[(Lan.Router, Lan.First), (Lan.Router6, six)])
        {
            HashSet<Answer> answers = scanner.Scan(from, to);
            Assert.Equal([(Probe.Tcp, 8051), (Probe.Udp, 53)], answers.Where(a => a.Open).Select(a => (a.Protocol, a.Port)).Order());
            Assert.Equal(65_535, answers.Count(a => a.Protocol == Probe.Tcp && !a.Open)); // every other one was asked, and refused
            Assert.Contains(answers, a => a.Protocol is Probe.Icmp or Probe.Icmp6);
        }
        service.Close();
        await echo;
    }

    private static async Task Echo(Socket socket)
    {
        byte[] buffer = new byte[64];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
                await socket.SendToAsync(buffer.AsMemory(0, got.ReceivedBytes), got.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // closed: the test is over
        }
    }
}
