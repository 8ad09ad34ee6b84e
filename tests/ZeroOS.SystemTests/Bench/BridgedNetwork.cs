using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// A network that exists only for one test: a network namespace with a bridge, a tap for each card of a machine, cables to other namespaces, and the programs
/// that run on it. All of it goes with this object, the youngest first. A namespace here has no name and ends with its last process.
/// </summary>
internal abstract class BridgedNetwork : IAsyncDisposable
{
    /// <summary>The bridge.</summary>
    public const string Bridge = "lan";

    private static readonly MacAddress s_mac = MacAddress.Parse("02:00:00:00:02:02");
    private readonly Stack<Action> _ends = [];
    private int _cards;

    /// <summary>Makes it; this test has those addresses on the bridge.</summary>
    protected BridgedNetwork(params IPAddress[] addresses)
    {
        Space = Keep(NetworkNamespace.Create(Bridge));
        Space.Route.ChangeLink(Space.Route.GetLink("lo").Index, new LinkChange { Up = true });
        Space.Route.CreateBridge(Bridge, s_mac);
        Up(Space, Bridge, addresses);
    }

    /// <summary>Why there can be none here, or null.</summary>
    public static string? Missing { get; } = Probe();

    /// <summary>Where it is.</summary>
    public NetworkNamespace Space { get; }

    /// <summary>Plugs a card in: options for qemu/run --netdev of a QEMU started in <see cref="Space"/>.</summary>
    public string Card()
    {
        string tap = string.Create(CultureInfo.InvariantCulture, $"tap{_cards++}");
        Tool("ip", "tuntap", "add", "dev", tap, "mode", "tap");
        Tool("ip", "link", "set", "dev", tap, "txqueuelen", "20000"); // an emulated card stops reading for a while when the machine is busy
        Plug(tap);
        return $"tap,ifname={tap},script=no,downscript=no";
    }

    /// <summary>
    /// Lays a cable from the bridge, where it is called <paramref name="name"/>, to a new link of another namespace, which gets those addresses.
    /// </summary>
    public void Cable(string name, NetworkNamespace there, string link, params IPAddress[] addresses)
    {
        Space.Route.CreateVeth(name, link, there.Descriptor);
        int index = Plug(name);
        _ends.Push(() => Space.Route.DeleteLink(index)); // with its other end, at once: a namespace is taken apart some time after it has ended
        Up(there, link, addresses);
    }

    /// <summary>Runs a tool in there to its end; its output.</summary>
    public string Tool(string program, params string[] arguments) =>
        Space.Run(() => Command.Run(program, arguments, TimeSpan.FromMinutes(2)).GetAwaiter().GetResult().Ok());

    /// <summary>Ends it.</summary>
    public virtual ValueTask DisposeAsync()
    {
        while (_ends.TryPop(out Action? end))
            end();
        return ValueTask.CompletedTask;
    }

    /// <summary>Something that goes with the network.</summary>
    protected T Keep<T>(T thing) where T : IDisposable
    {
        _ends.Push(thing.Dispose);
        return thing;
    }

    /// <summary>Starts a program in a namespace; it is killed with the network.</summary>
    protected Process Start(NetworkNamespace space, ProcessStartInfo start)
    {
        Process process = space.Run(() => Process.Start(start)!);
        _ends.Push(() =>
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        });
        return process;
    }

    /// <summary>Starts Debian's dnsmasq as the DHCP server of a link; its log and its leases are files dnsmasq.log and dnsmasq.leases of the folder.</summary>
    protected void ServeDhcp(NetworkNamespace space, string link, string folder, params string[] options) => Start(space, new ProcessStartInfo("dnsmasq",
    [
        "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--port=0", $"--interface={link}",
        $"--dhcp-leasefile={Path.Combine(folder, "dnsmasq.leases")}", $"--log-facility={Path.Combine(folder, "dnsmasq.log")}", .. options,
    ]));

    private static void Up(NetworkNamespace space, string link, IPAddress[] addresses)
    {
        int index = space.Route.GetLink(link).Index;
        if (addresses.Any(a => a.AddressFamily == AddressFamily.InterNetworkV6))
            space.SetSysctl($"ipv6.conf.{link}.accept_dad", "0"); // nobody else has them: they are good at once
        space.Route.ChangeLink(index, new LinkChange { Up = true });
        foreach (IPAddress address in addresses)
            space.Route.PutAddress(index, address, address.AddressFamily == AddressFamily.InterNetwork ? 24 : 64);
    }

    private int Plug(string link)
    {
        int index = Space.Route.GetLink(link).Index;
        Space.Route.ChangeLink(index, new LinkChange { Up = true, Master = Space.Route.GetLink(Bridge).Index });
        return index;
    }

    private static string? Probe()
    {
        try
        {
            using NetworkNamespace space = NetworkNamespace.Create("probe");
            space.Route.CreateBridge(Bridge, s_mac);
            return !File.Exists("/dev/net/tun") ? "no /dev/net/tun here" : !File.Exists("/usr/sbin/dnsmasq") ? "dnsmasq is not installed" : null;
        }
        catch (LinuxException e)
        {
            return $"no network namespaces here: {e.Message}";
        }
    }
}
