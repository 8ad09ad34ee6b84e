using System.Diagnostics;
using System.Globalization;
using System.Net;

using ZeroOS.Host.Network.Dhcp;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;

namespace ZeroOS.Host.Network;

/// <summary>
/// The node's way out: every wired card up, IPv4 by DHCP, IPv6 by router advertisements that the kernel reads, default routes by metric. One
/// thread owns the cards; it never gives up, and says what it sees as an <see cref="UplinkState"/>.
/// </summary>
public sealed class Uplink : IDisposable
{
    private const int FirstMetric = 1024, MostResolvers = 4;
    private const ulong StopToken = 0, MonitorToken = 1, PortToken = 2;
    private const uint TentativeOrFailed = 0x40 | 0x08;
    private readonly string _stateDirectory;
    private readonly string? _resolvConf;
    private readonly ILog _log;
    private readonly Func<Link, bool> _isUplink;
    private readonly Dictionary<int, DhcpPort> _ports = [];
    private readonly Dictionary<(int Link, IPAddress Resolver), TimeSpan> _routerResolvers = [];
    private readonly EventFd _stop = new();
    private readonly TaskCompletionSource _addressed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private string _complaint = "";
    private TimeSpan _complained;
    private volatile UplinkState _current = new();

    /// <summary>Prepares it in the calling thread's network namespace.</summary>
    /// <param name="stateDirectory">Where the last good leases are kept.</param>
    /// <param name="resolvConf">File that the C library reads name servers from, or null.</param>
    /// <param name="log">One line per call.</param>
    public Uplink(string stateDirectory, string? resolvConf, ILog log) : this(stateDirectory, resolvConf, log, NetworkNamespace.Current(), IsWiredCard)
    {
    }

    internal Uplink(string stateDirectory, string? resolvConf, ILog log, NetworkNamespace space, Func<Link, bool> isUplink)
    {
        _stateDirectory = stateDirectory;
        _resolvConf = resolvConf;
        _log = log;
        _isUplink = isUplink;
        Namespace = space;
    }

    /// <summary>Called on the uplink's thread when <see cref="Current"/> is another than before.</summary>
    public event Action<UplinkState>? Changed;

    /// <summary>The latest state.</summary>
    public UplinkState Current => _current;

    /// <summary>Completes when the node has an address for the first time.</summary>
    public Task HasAddress => _addressed.Task;

    /// <summary>The root's namespace.</summary>
    internal NetworkNamespace Namespace { get; }

    /// <summary>Starts the thread; returns at once.</summary>
    public void Start()
    {
        // Two cards on one LAN: each answers ARP for its own addresses only. IPv6 routers are believed, redirects are not.
        foreach (string where in new[] { "all", "default" })
        {
            Sysctl($"ipv4.conf.{where}.accept_redirects", "0");
            Sysctl($"ipv4.conf.{where}.send_redirects", "0");
            Sysctl($"ipv4.conf.{where}.accept_source_route", "0");
            Sysctl($"ipv4.conf.{where}.arp_ignore", "1");
            Sysctl($"ipv4.conf.{where}.arp_announce", "2");
            Sysctl($"ipv6.conf.{where}.accept_redirects", "0");
            Sysctl($"ipv6.conf.{where}.accept_ra", "2");
        }
        _thread = new Thread(Run) { Name = "uplink", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Signal();
        _thread?.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        Namespace.Enter();
        using RouteMonitor monitor = new();
        using Epoll epoll = new();
        epoll.Add(_stop.Descriptor, Readiness.Readable, StopToken);
        epoll.Add(monitor.Descriptor, Readiness.Readable, MonitorToken);
        Span<(ulong Token, Readiness Ready)> ready = stackalloc (ulong, Readiness)[16];
        List<RouterResolvers> advertised = [];
        bool look = true;
        while (true)
        {
            try
            {
                look |= monitor.Drain(advertised);
                foreach (RouterResolvers found in advertised)
                    Note(found);
                advertised.Clear();
                if (look)
                    LookAtCards(epoll);
                bool leased = false;
                foreach (DhcpPort port in _ports.Values)
                    leased |= port.Work(Now);
                if (look || leased)
                    Configure();
                look = false;
            }
            catch (Exception e)
            {
                // A card can go while we speak of it; the next event tells, and a second later we look in any case. Whatever else it is, a node without this
                // thread would lose its address for good.
                Complain(e is LinuxException ? e.Message : $"{e.GetType().Name}: {e.Message}");
                look = true;
            }
            int count = epoll.Wait(ready, TimeoutMs(look));
            for (int i = 0; i < count; i++)
            {
                if (ready[i].Token != StopToken)
                    continue;
                foreach (DhcpPort port in _ports.Values)
                    port.Dispose();
                return;
            }
        }
    }

    /// <summary>Logs what went wrong; the same once a minute.</summary>
    private void Complain(string complaint)
    {
        if (complaint == _complaint && Now - _complained < TimeSpan.FromMinutes(1))
            return;
        (_complaint, _complained) = (complaint, Now);
        _log.Warn($"uplink: {complaint}");
    }

    private void LookAtCards(Epoll epoll)
    {
        List<Link> cards = [.. Namespace.Route.Links().Where(_isUplink)];
        foreach (int gone in _ports.Keys.Except(cards.Select(c => c.Index)).ToList())
        {
            _ports[gone].Dispose();
            _ports.Remove(gone);
        }
        foreach (Link card in cards)
        {
            if (!card.IsUp)
            {
                Sysctl($"ipv6.conf.{card.Name}.accept_ra", "2");
                Namespace.Route.ChangeLink(card.Index, new LinkChange { Up = true });
            }
            if (!_ports.TryGetValue(card.Index, out DhcpPort? port))
            {
                port = new DhcpPort(card, _stateDirectory, _log);
                _ports.Add(card.Index, port);
                // The card was there before PID 1 set what cards begin with. Loose: an answer may leave by another card than the question came by.
                Sysctl($"ipv4.conf.{card.Name}.rp_filter", "2");
                foreach (FileDescriptor descriptor in port.Descriptors)
                    epoll.Add(descriptor, Readiness.Readable, PortToken);
                _log.Info($"uplink nic={card.Name} mac={card.PermanentMac} carrier={card.HasCarrier}");
            }
            if (card.HasCarrier && port.Client.State == DhcpState.Stopped)
                port.Client.Start(Now);
            else if (!card.HasCarrier && port.Client.State != DhcpState.Stopped)
                port.Client.Stop();
        }
    }

    /// <summary>Makes the kernel agree with the leases and says what there is.</summary>
    private void Configure()
    {
        List<Link> cards = [.. Namespace.Route.Links().Where(c => _ports.ContainsKey(c.Index))];
        IReadOnlyList<InterfaceAddress> addresses = Namespace.Route.Addresses();
        IReadOnlyList<Route> routes = Namespace.Route.Routes();
        for (int i = 0; i < cards.Count; i++)
            Configure(cards[i], FirstMetric + i, addresses, routes);
        // Anew: a lease may just have changed a card's MTU.
        Publish([.. Namespace.Route.Links().Where(c => _ports.ContainsKey(c.Index))]);
    }

    private void Configure(Link card, int metric, IReadOnlyList<InterfaceAddress> addresses, IReadOnlyList<Route> routes)
    {
        DhcpLease? lease = _ports[card.Index].Client.Lease;
        // IPv4 addresses of a card are the lease's and no others; a kernel's autoconfiguration (ip=) gives way too.
        foreach (InterfaceAddress stale in addresses.Where(a => a.Link == card.Index && a.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && lease is not null && (!a.Address.Equals(lease.Address) || a.PrefixLength != lease.PrefixLength)))
            Namespace.Route.DeleteAddress(card.Index, stale.Address, stale.PrefixLength);
        List<Route> wanted = [];
        if (lease is not null)
        {
            if (!addresses.Any(a => a.Link == card.Index && a.Address.Equals(lease.Address) && a.PrefixLength == lease.PrefixLength))
                Namespace.Route.PutAddress(card.Index, lease.Address, lease.PrefixLength);
            SetMtu(card, _ports[card.Index], lease);
            if (lease.Gateway is not null)
                wanted.Add(Way(new IPNetwork(IPAddress.Any, 0), lease.Gateway, lease));
            wanted.AddRange(lease.Routes.Select(r => Way(r.Destination, r.Gateway, lease)));
        }
        else if (_ports[card.Index].Client.HasLostAddress)
        {
            foreach (InterfaceAddress ended in addresses.Where(a => a.Link == card.Index
                && a.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork))
                Namespace.Route.DeleteAddress(card.Index, ended.Address, ended.PrefixLength);
        }
        // Before the first answer a new process leaves what it found: the guests' connections go over it.
        bool settled = lease is not null || _ports[card.Index].Client.HasLostAddress;
        foreach (Route stale in routes.Where(r => settled && r.Link == card.Index && r.Protocol == RouteProtocol.Dhcp && !wanted.Any(w => SameWay(w, r))))
            Namespace.Route.DeleteRoute(stale);
        foreach (Route missing in wanted.Where(w => !routes.Any(r => SameWay(w, r))))
            Namespace.Route.PutRoute(missing);

        Route Way(IPNetwork destination, IPAddress? gateway, DhcpLease from) => new()
        {
            Destination = destination,
            Gateway = gateway,
            Link = card.Index,
            Metric = metric,
            Source = from.Address,
            Protocol = RouteProtocol.Dhcp,
            // Some providers give a /32 and a gateway outside it.
            GatewayOnLink = gateway is not null && !Prefixes.Truncate(from.Address, from.PrefixLength).Contains(gateway),
        };
    }

    /// <summary>Follows option 26 both ways: a lease that says nothing gives the card its own back.</summary>
    private void SetMtu(Link card, DhcpPort port, DhcpLease lease)
    {
        int mtu = lease.Mtu ?? port.OwnMtu;
        if (mtu == card.Mtu || mtu == port.RefusedMtu)
            return;
        try
        {
            Namespace.Route.ChangeLink(card.Index, new LinkChange { Mtu = mtu });
            _log.Info($"uplink nic={card.Name} mtu={mtu} before={card.Mtu}");
        }
        catch (LinuxException e) when (e.Errno == Errno.EINVAL)
        {
            port.RefusedMtu = mtu;
            _log.Warn($"uplink nic={card.Name} does not take the lease's mtu={mtu}: {e.Message}");
        }
    }

    /// <summary>
    /// Largest packet that leaves by a card: the kernel keeps what routers advertise as IPv6's alone, but a router that names 1,492 for one has no wider way
    /// for the other.
    /// </summary>
    private static int UsableMtu(Link card) =>
        int.TryParse(KernelFile.TryRead($"/proc/sys/net/ipv6/conf/{card.Name}/mtu", out _), CultureInfo.InvariantCulture, out int advertised)
        && advertised < card.Mtu ? advertised : card.Mtu;

    private static bool SameWay(Route one, Route other) =>
        one.Destination.Equals(other.Destination) && Equals(one.Gateway, other.Gateway) && one.Link == other.Link && one.Metric == other.Metric
        && Equals(one.Source, other.Source);

    private void Publish(IReadOnlyList<Link> cards)
    {
        Dictionary<int, Link> byIndex = cards.ToDictionary(c => c.Index);
        List<InterfaceAddress> own = [.. Namespace.Route.Addresses().Where(a => byIndex.ContainsKey(a.Link))];
        List<InterfaceAddress> usable = [.. own.Where(a => !a.IsLinkLocal && (a.Flags & TentativeOrFailed) == 0)];
        List<Route> routes = [.. Namespace.Route.Routes().Where(r => byIndex.ContainsKey(r.Link))];
        List<DhcpLease> leases = [.. cards.Select(c => _ports[c.Index].Client.Believed).OfType<DhcpLease>()];
        IEnumerable<IPAddress> advertised = _routerResolvers.Where(r => r.Value > Now && byIndex.ContainsKey(r.Key.Link)).Select(r => r.Key.Resolver);
        bool v4(Route r) => r.Destination.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        UplinkState state = new()
        {
            Nics = [.. cards.Select(c => new UplinkNic(c.Name, c.Index, c.PermanentMac, c.HasCarrier, DhcpWord(_ports[c.Index].Client)))],
            Addresses = [.. usable.Select(a => new UplinkAddress(byIndex[a.Link].Name, a.Address, a.PrefixLength))],
            OnLink = [.. routes.Where(r => r.Gateway is null && !r.IsDefault).Select(r => r.Destination)
                .Concat(own.Select(a => Prefixes.Truncate(a.Address, a.PrefixLength))).Distinct()],
            Gateway = routes.Where(r => r.IsDefault && v4(r)).OrderBy(r => r.Metric).FirstOrDefault()?.Gateway,
            Gateway6 = routes.Where(r => r.IsDefault && !v4(r)).OrderBy(r => r.Metric).FirstOrDefault()?.Gateway,
            Resolvers = [.. leases.SelectMany(l => l.Resolvers).Concat(advertised).Distinct().Take(MostResolvers)],
            TimeServers = [.. leases.SelectMany(l => l.TimeServers).Distinct().Take(MostResolvers)],
            Mtu = cards.Where(c => c.HasCarrier).Select(c => (int?)UsableMtu(c)).Min(),
        };
        state = state with { Conditions = Conditions(state) };
        if (state.Fingerprint == _current.Fingerprint)
            return;
        bool otherResolvers = !state.Resolvers.SequenceEqual(_current.Resolvers);
        _current = state;
        if (_resolvConf is not null && otherResolvers)
            WriteResolvConf(_resolvConf, state);
        if (state.HasAddress)
            _addressed.TrySetResult();
        Changed?.Invoke(state);
    }

    private static IReadOnlyList<UplinkCondition> Conditions(UplinkState state)
    {
        bool carrier = state.Nics.Any(n => n.HasCarrier);
        return
        [
            new("link", carrier,
                state.Nics.Count == 0 ? "no wired card found" : carrier ? "a cable is connected" : "no card has a carrier: is the cable plugged in?"),
            new("address", state.HasAddress, state.HasAddress ? $"{state.Addresses[0].Address}" : "no address yet: no DHCP server answers"),
            new("gateway", (state.Gateway ?? state.Gateway6) is not null, (state.Gateway ?? state.Gateway6) is { } g ? $"{g}" : "no default route"),
            new("resolver", state.Resolvers.Count > 0, state.Resolvers.Count > 0 ? $"{state.Resolvers[0]}" : "no name server known"),
        ];
    }

    private static string DhcpWord(DhcpClient client) => client.IsDegraded ? "degraded" : client.State.ToString().ToLowerInvariant();

    private void Note(RouterResolvers found)
    {
        foreach (IPAddress address in found.Addresses)
        {
            if (found.LifetimeSeconds == 0)
                _routerResolvers.Remove((found.Link, address));
            else
                _routerResolvers[(found.Link, address)] = Now + TimeSpan.FromSeconds(Math.Min(found.LifetimeSeconds, 86400));
        }
    }

    private void WriteResolvConf(string path, UplinkState state)
    {
        try
        {
            File.WriteAllText(path + ".new", state.ResolvConf);
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Warn($"uplink: {path} not written: {e.Message}");
        }
    }

    private void Sysctl(string key, string value)
    {
        try
        {
            Namespace.SetSysctl(key, value);
        }
        catch (LinuxException e)
        {
            _log.Warn($"uplink: net.{key} stays: {e.Message}");
        }
    }

    private int TimeoutMs(bool retry)
    {
        TimeSpan next = retry ? TimeSpan.FromSeconds(1) : TimeSpan.FromHours(1);
        foreach (DhcpPort port in _ports.Values)
        {
            if (port.Client.NextAt is { } at && at - Now < next)
                next = at - Now;
        }
        return (int)Math.Clamp(Math.Ceiling(next.TotalMilliseconds), 0, int.MaxValue);
    }

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>Hardware that speaks Ethernet over a cable: what we make ourselves has a kind, wireless has a directory.</summary>
    private static bool IsWiredCard(Link link) =>
        link.IsEthernet && !link.IsLoopback && link.Kind.Length == 0 && !Directory.Exists($"/sys/class/net/{link.Name}/wireless");
}
