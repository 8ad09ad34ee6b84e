using ZeroOS.Contracts.Bus;
using ZeroOS.Linux.Netfilter;

namespace ZeroOS.Host.Network;

/// <summary>
/// How many connections one owner may have in the kernel's tables, and open per second. The rules are a table of their own: replacing a table loses its
/// counters, and the other one is replaced whenever something changes.
/// </summary>
internal static class ConnectionLimits
{
    /// <summary>Connections of one machine, counted in its network's namespace.</summary>
    public const int PerMachine = 2048;

    /// <summary>Connections of one network, counted in its namespace and again on its cable in the root.</summary>
    public const int PerNetwork = 4096;

    /// <summary>Connections that a network's machines may open per second, after <see cref="Burst"/> at once.</summary>
    public const int OutPerSecond = 300;

    /// <summary>Connections from outside that are let into a network per second, after <see cref="Burst"/> at once.</summary>
    public const int InPerSecond = 1000;

    /// <summary>Connections at once before a rate counts.</summary>
    public const int Burst = 1000;

    /// <summary>Connections that one IPv4 address, or one IPv6 /64, may open to the bus per second, after <see cref="BusBurst"/> at once.</summary>
    public const int BusPerSecond = 100;

    /// <summary>Connections to the bus at once before its rate counts.</summary>
    public const int BusBurst = 400;

    private const int MostKeys = 65536, BeforeFilter = -10;
    private const string Name = "zeroos-limits", Cables = TenantNetwork.CablePrefix + "*", Bridge = TenantNetwork.Bridge;
    private static readonly TimeSpan s_forgetRate = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The root's: by cable, whichever way the connection goes, and to the bus by source. The door has its own limits; a flood of one source does not reach its
    /// queue.
    /// </summary>
    public static NftTable Root()
    {
        NftTable table = new(NftFamily.Inet, Name);
        NftSet connections = table.Dynamic("connections", NftKey.InputLink, MostKeys),
            outgoing = table.Dynamic("outgoing", NftKey.InputLink, MostKeys, s_forgetRate),
            incoming = table.Dynamic("incoming", NftKey.InputLink, MostKeys, s_forgetRate);
        NftSet clients4 = table.Dynamic("clients4", NftKey.Source4, MostKeys, s_forgetRate),
            clients6 = table.Dynamic("clients6", NftKey.Source6Network, MostKeys, s_forgetRate);
        table.Filter("input", NftHook.Input, drop: false, BeforeFilter)
            .Add(new NftRule().TcpTo(BusPort.Tcp).TcpOpens().RateOver(NftKey.Source4, clients4, BusPerSecond, BusBurst).Drop())
            .Add(new NftRule().TcpTo(BusPort.Tcp).TcpOpens().RateOver(NftKey.Source6Network, clients6, BusPerSecond, BusBurst).Drop());
        table.Filter("forward", NftHook.Forward, drop: false, BeforeFilter)
            .Add(new NftRule().From(Cables).New().RateOver(NftKey.InputLink, outgoing, OutPerSecond, Burst).Drop())
            .Add(new NftRule().Out(Cables).New().RateOver(NftKey.OutputLink, incoming, InPerSecond, Burst).Drop())
            .Add(new NftRule().From(Cables).New().ConnectionsOver(NftKey.InputLink, connections, PerNetwork).Drop())
            .Add(new NftRule().Out(Cables).New().ConnectionsOver(NftKey.OutputLink, connections, PerNetwork).Drop());
        return table;
    }

    /// <summary>A tenant namespace's: by machine, and all of them.</summary>
    public static NftTable Tenant()
    {
        NftTable table = new(NftFamily.Inet, Name);
        NftSet machines = table.Dynamic("machines", NftKey.Source4, MostKeys);
        table.Filter("forward", NftHook.Forward, drop: false, BeforeFilter)
            .Add(new NftRule().From(Bridge).New().ConnectionsOver(NftKey.Source4, machines, PerMachine).Drop())
            .Add(new NftRule().Out(Bridge).New().ConnectionsOver(NftKey.Destination4, machines, PerMachine).Drop())
            .Add(new NftRule().New().ConnectionsOver(PerNetwork).Drop());
        return table;
    }
}
