using System.Globalization;
using System.Net;
using System.Net.Sockets;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Linux.Taps;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Network;

/// <summary>
/// Tenant networks, each a namespace with a bridge and taps, joined to the root by a cable with a /31. The kernel is the memory: what a
/// restarted node needs to know is written on bridges, taps and one file of the run directory, so nothing running is cut.
/// </summary>
public sealed class Networks : INetworks, IDisposable
{
    private const int MostGuestResolvers = 3, Slots = 1 << 21;
    private readonly Lock _lock = new();
    private readonly Uplink _uplink;
    private readonly NetworkNamespace _root;
    private readonly WorkloadNames _names;
    private readonly FirewallGroups _groups;
    private readonly NetworkWiring _wiring;
    private readonly string _directory;
    private readonly ILog _log;
    private readonly Dictionary<string, TenantNetwork> _networks = [];
    private List<Publication> _published = [];
    private IReadOnlyList<IPEndPoint> _registries = [];
    private IPAddress? _resolver;
    private bool _rulesStand;

    /// <summary>
    /// Finds what an earlier node process left, puts the firewall in place, and only then lets packets be forwarded. Make it before the
    /// uplink starts, so that no card is up without the firewall.
    /// </summary>
    /// <param name="uplink">The way out; its changes are followed.</param>
    /// <param name="names">What workloads are called here.</param>
    /// <param name="groups">Groups that the firewall knows: each process of one has a user of its own.</param>
    /// <param name="memoryBytes">Memory of the computer, which decides how many connections it remembers.</param>
    /// <param name="log">One line per call.</param>
    /// <exception cref="LinuxException">The kernel refused the firewall: a node without it must not go on.</exception>
    public Networks(Uplink uplink, WorkloadNames names, FirewallGroups groups, long memoryBytes, ILog log)
        : this(uplink, names, groups, memoryBytes, log, "/run/zeroos/networks")
    {
    }

    internal Networks(Uplink uplink, WorkloadNames names, FirewallGroups groups, long memoryBytes, ILog log, string directory)
    {
        _uplink = uplink;
        _root = uplink.Namespace;
        _names = names;
        _groups = groups;
        _log = log;
        _directory = directory;
        _wiring = new NetworkWiring(_root, directory);
        lock (_lock)
        {
            _root.SetSysctls(KernelTables.Root);
            _root.SetSysctlsIfThere([("netfilter.nf_conntrack_max", KernelTables.MostConnections(memoryBytes).ToString(CultureInfo.InvariantCulture))]);
            Recover();
            ApplyRoot();
            _root.SetSysctl("ipv4.ip_forward", "1");
        }
        uplink.Changed += OnUplinkChanged;
    }

    /// <summary>A port that is the node's own and never published.</summary>
    public static bool IsReserved(PortProtocol protocol, int port) => protocol == PortProtocol.Tcp && port == BusPort.Tcp;

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
            string id = _names.Of(network);
            if (Find(network) is { } known && !(known.Range.Equals(range) && known.IsInternal == data.Internal))
            {
                if (known.Cards.Count > 0)
                    throw new WorkloadException("network-in-use", $"network {network} has machines in {known.Range}; it is made anew when they are gone");
                Remove(network);
            }
            Link? cable = NetworkWiring.FindOwn(_root.Route, TenantNetwork.CableName(id), alias => alias == network.Full);
            TenantNetwork wanted = Find(network)
                ?? new TenantNetwork(id, network.Full, range, data.Internal, ChooseSlot(cable), NetworkNamespace.OpenOrCreate(_wiring.PathOf(id)));
            _networks[id] = wanted;
            _wiring.Build(wanted, CableMtu);
            ApplyTenant(wanted);
            ApplyRoot();
        }
    }

    /// <inheritdoc/>
    public void Remove(WorkloadId network)
    {
        lock (_lock)
        {
            string id = _names.Of(network);
            TenantNetwork? known = Find(network);
            if (known is not null)
            {
                _networks.Remove(id);
                foreach (Link tap in known.Space.Route.Links().Where(l => known.Cards.ContainsKey(l.Name)))
                    known.Space.Route.DeleteLink(tap.Index);
                known.Dispose();
            }
            if (NetworkWiring.FindOwn(_root.Route, TenantNetwork.CableName(id), alias => alias == network.Full) is { } cable)
                _root.Route.DeleteLink(cable.Index);
            NetworkNamespace.Forget(_wiring.PathOf(id));
            ApplyRoot();
            if (known is not null)
                StaleConnections.Forget(() => StaleConnections.OfCable(_root.Connections, known), known.Cable, _log);
        }
    }

    /// <inheritdoc/>
    /// <returns>The card; its tap is invalid (<see cref="System.Runtime.InteropServices.SafeHandle.IsInvalid"/>) when a running monitor holds it.</returns>
    public MachineNic Attach(WorkloadId network, WorkloadId machine, IPAddress address)
    {
        lock (_lock)
        {
            TenantNetwork known = Find(network) ?? throw new WorkloadException("network-missing", $"network {network} is not there yet");
            if (!known.MayBeGuest(address))
                throw new WorkloadException("address-invalid", $"{address} is no address for a machine in {known.Range}", permanent: true);
            string tap = TenantNetwork.TapName(_names.Of(machine));
            if (known.Cards.Any(c => c.Key != tap && c.Value.Address.Equals(address)))
                throw new WorkloadException("address-taken", $"{address} in network {network} belongs to another machine");
            _ = NetworkWiring.FindOwn(known.Space.Route, tap, alias => TenantCard.FromAlias(alias)?.Owner == machine.Full);
            TenantCard card = new(TenantNetwork.MacOf(network, machine), address, machine.Full);
            known.Cards[tap] = card;
            // Pinned before it is plugged in: no frame gets through in between.
            ApplyTenant(known);
            FileDescriptor? opened = known.Space.Run(() => TapDevice.TryOpen(tap));
            try
            {
                RouteSocket inside = known.Space.Route;
                int bridge = inside.GetLink(TenantNetwork.Bridge).Index, port = inside.GetLink(tap).Index;
                // A tap's own MTU only bounds what goes to the guest, where machines that started with a wider uplink may sit beside it.
                inside.ChangeLink(port, new LinkChange { Master = bridge, Mtu = Math.Max(CardMtu, NetworkWiring.EthernetMtu), Alias = card.ToAlias() });
                // The one address behind it is known: none is learned from frames, some of which reach the bridge's table before any rule sees them.
                inside.ChangeLink(port, new LinkChange { Learns = false });
                inside.PutBridgeAddress(port, card.Mac);
                inside.ChangeLink(port, new LinkChange { Up = true });
            }
            catch (LinuxException)
            {
                opened?.Dispose();
                throw;
            }
            return new MachineNic(opened ?? new FileDescriptor(-1), card.Mac.ToString(), $"{address}/{known.Range.PrefixLength}", known.Gateway.ToString(),
                !known.IsInternal, CardMtu, ResolversFor(known));
        }
    }

    /// <inheritdoc/>
    public void Detach(WorkloadId network, WorkloadId machine)
    {
        lock (_lock)
        {
            if (Find(network) is not { } known)
                return;
            string tap = TenantNetwork.TapName(_names.Of(machine));
            if (NetworkWiring.FindOwn(known.Space.Route, tap, alias => TenantCard.FromAlias(alias)?.Owner == machine.Full) is { } link)
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
                    || mapping.Guest.AddressFamily != AddressFamily.InterNetwork
                    || wanted.Any(w => w.Protocol == mapping.Protocol && w.HostPort == mapping.HostPort))
                    _log.Warn($"event=port-left-out port={mapping.HostPort}/{mapping.Protocol} message=\"reserved, taken or invalid\"");
                else
                    wanted.Add(Publication.Of(mapping, _names));
            }
            if (wanted.SequenceEqual(_published))
                return;
            List<Publication> gone = [.. _published.Except(wanted)];
            HashSet<string> touched = [.. wanted.Except(_published).Concat(gone).Select(p => p.Network)];
            _published = wanted;
            Remember();
            foreach (TenantNetwork network in _networks.Values.Where(n => touched.Contains(n.Id)))
                ApplyTenant(network);
            ApplyRoot();
            // After the new rules stand: a packet that comes now is judged by them.
            foreach (Publication port in gone)
                StaleConnections.Forget(() => StaleConnections.OfPublication(_root.Connections, port, _networks.GetValueOrDefault(port.Network)),
                    $"port {port.HostPort}/{port.Protocol}", _log);
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

    private int CableMtu => _uplink.Current.Mtu ?? NetworkWiring.EthernetMtu;

    /// <summary>What a card that is made now is told.</summary>
    private int CardMtu => Math.Max(CableMtu, NetworkWiring.LeastCardMtu);

    /// <exception cref="WorkloadException">name-taken: two networks have one name here, and this is not the one that is there.</exception>
    private TenantNetwork? Find(WorkloadId network) =>
        !_networks.TryGetValue(_names.Of(network), out TenantNetwork? known) || known.Owner == network.Full ? known
        : throw new WorkloadException("name-taken", $"network {network} has the name of another here; another name for it mends it");

    private void Recover()
    {
        foreach (TenantNetwork network in _wiring.Recover())
            _networks.Add(network.Id, network);
        if (File.Exists(PublishedFile))
            _published = [.. File.ReadLines(PublishedFile).Select(Publication.FromLine).OfType<Publication>()];
        _rulesStand = _networks.Count > 0;
        // The counters of a table that stands are not lost for nothing.
        if (!_rulesStand)
            _root.Nft.Replace(ConnectionLimits.Root());
        else
            _log.Info($"event=networks-found networks={_networks.Count} cards={_networks.Values.Sum(n => n.Cards.Count)} published={_published.Count}");
    }

    private void OnUplinkChanged(UplinkState state)
    {
        try
        {
            lock (_lock)
            {
                ApplyRoot();
                foreach (TenantNetwork network in _networks.Values)
                    _wiring.SetMtu(network, CableMtu);
                if (_resolver is { } before && !before.Equals(state.FirstResolver4))
                    StaleConnections.Forget(() => StaleConnections.OfResolver(_root.Connections, before), $"resolver {before}", _log);
                _resolver = state.FirstResolver4;
            }
        }
        catch (LinuxException e)
        {
            // The rules before this change stay whole; the next change tries again.
            _log.Warn($"event=firewall-not-changed message=\"{e.Message}\"");
        }
    }

    private void ApplyRoot()
    {
        // The rules of the process before this one stand until the uplink has looked at its cards: without their names nothing would get out.
        if (_rulesStand && _uplink.Current.Nics.Count == 0)
            return;
        _rulesStand = false;
        _root.Nft.Replace(RootFirewall.Build(_uplink.Current, _networks.Values, _published, _groups, _registries));
    }

    private void ApplyTenant(TenantNetwork network) => network.Space.Nft.Replace(TenantFirewall.Build(network, _published));

    private void Remember()
    {
        // The run directory is memory: it lives exactly as long as the namespaces.
        File.WriteAllLines(PublishedFile + ".new", _published.Select(p => p.ToLine()));
        File.Move(PublishedFile + ".new", PublishedFile, overwrite: true);
    }

    private int ChooseSlot(Link? half)
    {
        // A network that was half made when the node died keeps the address its cable has.
        if (half is not null && _root.Route.Addresses().FirstOrDefault(a => a.Link == half.Index && TenantNetwork.Pool.Contains(a.Address)) is { } kept)
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
        network.IsInternal ? [] : [network.Gateway.ToString(), .. _uplink.Current.Resolvers.Where(r => r.AddressFamily == AddressFamily.InterNetwork).Skip(1)
            .Where(r => !network.Range.Contains(r)).Take(MostGuestResolvers - 1).Select(r => r.ToString())];

    private string PublishedFile => Path.Combine(_directory, "published");
}
