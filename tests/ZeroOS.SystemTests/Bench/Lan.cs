using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// A farmer's network: its router, which is this test, gives IPv4 addresses by DHCP and IPv6 prefixes by advertisement (dnsmasq). Its addresses are those of
/// QEMU's own network, so that farm settings fit both. It leads nowhere.
/// </summary>
internal sealed class Lan : BridgedNetwork
{
    /// <summary>The router, which is also this test.</summary>
    public static readonly IPAddress Router = IPAddress.Parse("10.0.2.2"), Router6 = IPAddress.Parse("fd00:2::2");

    /// <summary>The address its first guest gets.</summary>
    public static readonly IPAddress First = IPAddress.Parse("10.0.2.15");

    /// <summary>Makes it. Without a folder, for what dnsmasq writes, nobody gives addresses there before <see cref="GiveAddresses"/>.</summary>
    public Lan(string? folder = null) : base(Router, Router6)
    {
        if (folder is not null)
            GiveAddresses(folder);
    }

    /// <summary>The router gives addresses from now on.</summary>
    public void GiveAddresses(string folder) => ServeDhcp(Space, Bridge, folder, "--bind-interfaces", "--dhcp-authoritative",
        "--dhcp-range=10.0.2.15,10.0.2.99,1h", "--dhcp-sequential-ip",
        "--no-ping", "--enable-ra", $"--ra-param={Bridge},10,600", "--dhcp-range=fd00:2::,ra-only,64,1h", "--log-dhcp");

    /// <summary>Puts a port of this computer's loopback on the router: for the registry.</summary>
    public void Serve(int port) =>
        Keep(Space.Run(() => new Middleman(new TcpListener(Router, port), () => new TcpClient(AddressFamily.InterNetwork),
            new IPEndPoint(IPAddress.Loopback, port))));

    /// <summary>A port of this computer's loopback leads to a port of its first guest: for people.</summary>
    public void Lead(int port, int guestPort) =>
        Keep(new Middleman(new TcpListener(IPAddress.Loopback, port), () => Space.Run(() => new TcpClient(AddressFamily.InterNetwork)),
            new IPEndPoint(First, guestPort)));

    /// <summary>Frames for the machine at a tap or cable that it did not take in time and that were lost, so far: column 12 of /proc/net/dev.</summary>
    public long Lost(string link) => long.Parse(Tool("cat", "/proc/net/dev").Split('\n')
        .Single(l => l.TrimStart().StartsWith(link + ":", StringComparison.Ordinal))
        .Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[11], CultureInfo.InvariantCulture);
}
