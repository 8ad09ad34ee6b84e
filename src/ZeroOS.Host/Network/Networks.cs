using System.Net;
using System.Net.Sockets;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.Taps;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Network;

/// <summary>
/// Tenant networks, each a namespace with a bridge and taps, joined to the root by a cable with a /31. The kernel is the memory: what a
/// restarted node needs to know is written on bridges, taps and one file of the run directory, so nothing running is cut.
/// </summary>
public sealed class Networks : INetworks, IDisposable
{
    private const int GuestMtu = 1500, MostGuestResolvers = 3, Slots = 1 << 21;
    private readonly Lock _lock = new();
    private readonly Uplink _uplink;
    private readonly NetworkNamespace _root;
    private readonly uint _fetchGroup;
    private readonly string _directory;
    private readonly Action<string> _log;
    private readonly Dictionary<string, TenantNetwork> _networks = [];
    private List<Publication> _published = [];
    private IReadOnlyList<IPEndPoint> _registries = [];
    private bool _rulesStand;

    /// <summary>
    /// Finds what an earlier node process left, puts the firewall in place, and only then lets packets be forwarded. Make it before the
    /// uplink starts, so that no card is up without the firewall.
    /// </summary>
    /// <param name="uplink">The way out; its changes are followed.</param>
    /// <param name="fetchGroup">Group of the fetch role: each of its processes has a user of its own.</param>
    /// <param name="log">One line per call.</param>
    /// <exception cref="LinuxException">The kernel refused the firewall: a node without it must not go on.</exception>
    public Networks(Uplink uplink, uint fetchGroup, Action<string> log) : this(uplink, fetchGroup, log, "/run/zeroos/networks")
    {
    }

    internal Networks(Uplink uplink, uint fetchGroup, Action<string> log, string directory)
    {
        _uplink = uplink;
        _root = uplink.Namespace;
        _fetchGroup = fetchGroup;
        _log = log;
        _directory = directory;
        lock (_lock)
        {
            Recover();
            ApplyRoot();
            _root.SetSysctl("ipv4.ip_forward", "1");
        }
        uplink.Changed += OnUplinkChanged;
    }

    /// <summary>A port that is the node's own and never published.</summary>
    public static bool IsReserved(PortProtocol protocol, int port) => protocol == PortProtocol.Tcp && port == RootFirewall.BusPort;

    /// <summary>Where the fetch role may go besides the internet: the addresses of the farm's registries.</summary>
    public void AllowFetch(IReadOnlyList<IPEndPoint> registries)
    {
        lock (_lock)
        {
            _registries = registries;
            ApplyRoot();
        }
    }

    /// <inheritdoc/>
    public void Ensure(WorkloadId network, NetworkData data)
    {
        IPNetwork range = TenantNetwork.ParseRange(data.Range);
        lock (_lock)
        {
            if (_networks.TryGetValue(network.Short, out TenantNetwork? known) && !known.Range.Equals(range))
            {
                if (known.Cards.Count > 0)
                    throw new WorkloadException("network-in-use", $"network {network} has machines in {known.Range}; it becomes {range} when they are gone");
                Remove(network);
                known = null;
            }
            known ??= new TenantNetwork(network.Short, range, ChooseSlot(network.Short), NetworkNamespace.OpenOrCreate(PathOf(network.Short)));
            _networks[network.Short] = known;
            Build(known);
            ApplyTenant(known);
            ApplyRoot();
        }
    }

    /// <inheritdoc/>
    public void Remove(WorkloadId network)
    {
        lock (_lock)
        {
            if (_networks.Remove(network.Short, out TenantNetwork? known))
            {
                foreach (Link tap in known.Space.Route.Links().Where(l => known.Cards.ContainsKey(l.Name)))
                    known.Space.Route.DeleteLink(tap.Index);
                known.Dispose();
            }
            if (_root.Route.FindLink(TenantNetwork.CableName(network.Short)) is { } cable)
                _root.Route.DeleteLink(cable.Index);
            NetworkNamespace.Forget(PathOf(network.Short));
            ApplyRoot();
        }
    }

    /// <inheritdoc/>
    /// <returns>The card; its tap is invalid (<see cref="System.Runtime.InteropServices.SafeHandle.IsInvalid"/>) when a running monitor holds it.</returns>
    public MachineNic Attach(WorkloadId network, WorkloadId machine, IPAddress address)
    {
        lock (_lock)
        {
            TenantNetwork known = _networks.TryGetValue(network.Short, out TenantNetwork? found) ? found
                : throw new WorkloadException("network-missing", $"network {network} is not there yet");
            if (!known.MayBeGuest(address))
                throw new WorkloadException("address-invalid", $"{address} is no address for a machine in {known.Range}", permanent: true);
            string tap = TenantNetwork.TapName(machine.Short);
            if (known.Cards.Any(c => c.Key != tap && c.Value.Address.Equals(address)))
                throw new WorkloadException("address-taken", $"{address} in network {network} belongs to another machine");
            TenantCard card = new(TenantNetwork.MacOf(network, machine), address);
            known.Cards[tap] = card;
            // Pinned before it is plugged in: no frame gets through in between.
            ApplyTenant(known);
            FileDescriptor? opened = known.Space.Run(() => TapDevice.TryOpen(tap));
            try
            {
                int bridge = known.Space.Route.GetLink(TenantNetwork.Bridge).Index;
                known.Space.Route.ChangeLink(known.Space.Route.GetLink(tap).Index, new LinkChange { Master = bridge, Mtu = GuestMtu, Alias = card.ToAlias(), Up = true });
            }
            catch (LinuxException)
            {
                opened?.Dispose();
                throw;
            }
            return new MachineNic(opened ?? new FileDescriptor(-1), card.Mac.ToString(), $"{address}/{known.Range.PrefixLength}", known.Gateway.ToString(), GuestMtu, ResolversFor(known));
        }
    }

    /// <inheritdoc/>
    public void Detach(WorkloadId network, WorkloadId machine)
    {
        lock (_lock)
        {
            if (!_networks.TryGetValue(network.Short, out TenantNetwork? known))
                return;
            string tap = TenantNetwork.TapName(machine.Short);
            if (known.Space.Route.FindLink(tap) is { } link)
                known.Space.Route.DeleteLink(link.Index);
            if (known.Cards.Remove(tap))
                ApplyTenant(known);
        }
    }

    /// <inheritdoc/>
    /// <remarks>A reserved port, and the second of two equal ones, is left out and logged: one tenant's mistake must not keep others from publishing.</remarks>
    public void Publish(IReadOnlyList<PortMapping> mappings)
    {
        lock (_lock)
        {
            List<Publication> wanted = [];
            foreach (PortMapping mapping in mappings)
            {
                if (IsReserved(mapping.Protocol, mapping.HostPort) || mapping.HostPort is < 1 or > 65535 || mapping.GuestPort is < 1 or > 65535
                    || mapping.Guest.AddressFamily != AddressFamily.InterNetwork || wanted.Any(w => w.Protocol == mapping.Protocol && w.HostPort == mapping.HostPort))
                    _log($"publish port={mapping.HostPort}/{mapping.Protocol} left out: reserved, taken or invalid");
                else
                    wanted.Add(Publication.Of(mapping));
            }
            if (wanted.SequenceEqual(_published))
                return;
            HashSet<string> touched = [.. wanted.Except(_published).Concat(_published.Except(wanted)).Select(p => p.Network)];
            _published = wanted;
            Remember();
            foreach (TenantNetwork network in _networks.Values.Where(n => touched.Contains(n.Id)))
                ApplyTenant(network);
            ApplyRoot();
        }
    }

    /// <summary>Stops following the uplink and closes what this process holds; networks, taps and rules stay for the next.</summary>
    public void Dispose()
    {
        _uplink.Changed -= OnUplinkChanged;
        lock (_lock)
        {
            foreach (TenantNetwork network in _networks.Values)
                network.Dispose();
            _networks.Clear();
        }
    }

    /// <summary>Makes everything of a network that is not there yet.</summary>
    private void Build(TenantNetwork network)
    {
        RouteSocket inside = network.Space.Route;
        if (inside.FindLink(TenantNetwork.Bridge) is null)
        {
            // Guests have IPv4 only; and an address in the tenant's range may come in by the cable, so the source is not judged by its route.
            network.Space.SetSysctls([("ipv6.conf.all.disable_ipv6", "1"), ("ipv6.conf.default.disable_ipv6", "1"), ("ipv4.conf.all.rp_filter", "0"), ("ipv4.conf.default.rp_filter", "0"),
                ("ipv4.conf.all.send_redirects", "0"), ("ipv4.conf.default.send_redirects", "0"), ("ipv4.conf.all.accept_redirects", "0"), ("ipv4.ip_forward", "1")]);
            inside.CreateBridge(TenantNetwork.Bridge, BridgeMac(network.Id));
        }
        inside.ChangeLink(inside.GetLink("lo").Index, new LinkChange { Up = true });
        Link bridge = inside.GetLink(TenantNetwork.Bridge);
        inside.ChangeLink(bridge.Index, new LinkChange { Up = true, Alias = network.Range.ToString() });
        inside.PutAddress(bridge.Index, network.Gateway, network.Range.PrefixLength);
        if (_root.Route.FindLink(network.Cable) is null)
            _root.Route.CreateVeth(network.Cable, TenantNetwork.Up, network.Space.Descriptor);
        Link cable = _root.Route.GetLink(network.Cable), up = inside.GetLink(TenantNetwork.Up);
        _root.SetSysctls([($"ipv6.conf.{network.Cable}.disable_ipv6", "1"), ($"ipv4.conf.{network.Cable}.rp_filter", "1")]);
        _root.Route.PutAddress(cable.Index, network.Near, 31);
        _root.Route.ChangeLink(cable.Index, new LinkChange { Up = true, Alias = $"network {network.Id}" });
        inside.PutAddress(up.Index, network.Far, 31);
        inside.ChangeLink(up.Index, new LinkChange { Up = true });
        inside.PutRoute(new Route { Destination = new IPNetwork(IPAddress.Any, 0), Gateway = network.Near, Link = up.Index });
    }

    /// <summary>Reads back what an earlier process made; half-made networks are left for <see cref="Ensure"/>.</summary>
    private void Recover()
    {
        Directory.CreateDirectory(_directory);
        IReadOnlyList<Link> links = _root.Route.Links();
        IReadOnlyList<InterfaceAddress> addresses = _root.Route.Addresses();
        foreach (string file in Directory.EnumerateFiles(_directory).Where(f => Path.GetFileName(f).Length == 16))
        {
            string id = Path.GetFileName(file);
            Link? cable = links.FirstOrDefault(l => l.Name == TenantNetwork.CableName(id));
            IPAddress? near = addresses.FirstOrDefault(a => a.Link == cable?.Index && TenantNetwork.Pool.Contains(a.Address))?.Address;
            if (near is null || NetworkNamespace.Open(file) is not { } space)
                continue;
            if (!IPNetwork.TryParse(space.Route.FindLink(TenantNetwork.Bridge)?.Alias ?? "", out IPNetwork range))
            {
                space.Dispose();
                continue;
            }
            TenantNetwork network = new(id, range, TenantNetwork.SlotOf(near), space);
            foreach (Link tap in space.Route.Links().Where(l => l.Name.StartsWith(TenantNetwork.TapPrefix, StringComparison.Ordinal)))
            {
                if (TenantCard.FromAlias(tap.Alias) is { } card)
                    network.Cards[tap.Name] = card;
            }
            _networks.Add(id, network);
        }
        if (File.Exists(PublishedFile))
            _published = [.. File.ReadLines(PublishedFile).Select(Publication.FromLine).OfType<Publication>()];
        _rulesStand = _networks.Count > 0;
        if (_rulesStand)
            _log($"networks found={_networks.Count} cards={_networks.Values.Sum(n => n.Cards.Count)} published={_published.Count}");
    }

    private void OnUplinkChanged(UplinkState state)
    {
        try
        {
            lock (_lock)
                ApplyRoot();
        }
        catch (LinuxException e)
        {
            // The rules before this change stay whole; the next change tries again.
            _log($"networks: firewall not changed: {e.Message}");
        }
    }

    private void ApplyRoot()
    {
        // The rules of the process before this one stand until the uplink has looked at its cards: without their names nothing would get out.
        if (_rulesStand && _uplink.Current.Nics.Count == 0)
            return;
        _rulesStand = false;
        _root.Nft.Replace(RootFirewall.Build(_uplink.Current, _networks.Values, _published, _fetchGroup, _registries));
    }

    private void ApplyTenant(TenantNetwork network) => network.Space.Nft.Replace(TenantFirewall.Build(network, _published));

    private void Remember()
    {
        // The run directory is memory: it lives exactly as long as the namespaces.
        File.WriteAllLines(PublishedFile + ".new", _published.Select(p => p.ToLine()));
        File.Move(PublishedFile + ".new", PublishedFile, overwrite: true);
    }

    private int ChooseSlot(string id)
    {
        // A network that was half made when the node died keeps the address its cable has.
        if (_root.Route.FindLink(TenantNetwork.CableName(id)) is { } half
            && _root.Route.Addresses().FirstOrDefault(a => a.Link == half.Index && TenantNetwork.Pool.Contains(a.Address)) is { } kept)
            return TenantNetwork.SlotOf(kept.Address);
        HashSet<int> taken = [.. _networks.Values.Select(n => n.Slot)];
        foreach (InterfaceAddress address in _root.Route.Addresses().Where(a => TenantNetwork.Pool.Contains(a.Address)))
            taken.Add(TenantNetwork.SlotOf(address.Address));
        UplinkState uplink = _uplink.Current;
        for (int slot = 0; slot < Slots; slot++)
        {
            // A provider may use the same shared space on our uplink.
            IPNetwork cable = TenantNetwork.CableRange(slot);
            if (!taken.Contains(slot) && !uplink.OnLink.Any(p => Prefixes.Overlap(p, cable)) && !uplink.Resolvers.Any(r => cable.Contains(r)))
                return slot;
        }
        throw new WorkloadException("network-full", "no address is left for another network");
    }

    private IReadOnlyList<string> ResolversFor(TenantNetwork network) =>
        [network.Gateway.ToString(), .. _uplink.Current.Resolvers.Where(r => r.AddressFamily == AddressFamily.InterNetwork).Skip(1)
            .Where(r => !network.Range.Contains(r)).Take(MostGuestResolvers - 1).Select(r => r.ToString())];

    private string PathOf(string id) => Path.Combine(_directory, id);

    private string PublishedFile => Path.Combine(_directory, "published");

    private static MacAddress BridgeMac(string id) => new([2, .. Convert.FromHexString(id).AsSpan(0, 5)]);
}
