using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Network;

/// <summary>One tenant network as the node knows it: its namespace, its range, the cable to the root and the cards in it.</summary>
internal sealed class TenantNetwork(string id, string owner, IPNetwork range, bool isInternal, int slot, NetworkNamespace space) : IDisposable
{
    /// <summary>Where cables get their addresses: shared address space (RFC 6598), a /31 each.</summary>
    public static readonly IPNetwork Pool = IPNetwork.Parse("100.64.0.0/10");

    /// <summary>The bridge in every tenant namespace.</summary>
    public const string Bridge = "br0";

    /// <summary>The tenant's end of the cable.</summary>
    public const string Up = "up0";

    /// <summary>What names of cables in the root begin with.</summary>
    public const string CablePrefix = "zt";

    /// <summary>What names of taps begin with.</summary>
    public const string TapPrefix = "t";

    private const string InternalWord = "internal";
    private const int NameBytes = 15, ShortestPrefix = 16, LongestPrefix = 29;
    private static readonly IPNetwork[] s_private = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16")];

    /// <summary>The network's name on this node (<see cref="WorkloadNames.Of"/>).</summary>
    public string Id { get; } = id;

    /// <summary>The network's <see cref="WorkloadId.Full"/>, which is also its cable's alias.</summary>
    public string Owner { get; } = owner;

    /// <summary>Its addresses.</summary>
    public IPNetwork Range { get; } = range;

    /// <summary>It leads nowhere.</summary>
    public bool IsInternal { get; } = isInternal;

    /// <summary>For the bridge's alias, where a restarted node finds it.</summary>
    public string ToAlias() => IsInternal ? $"{Range} {InternalWord}" : Range.ToString();

    /// <summary>First host address: gateway and name server of the guests.</summary>
    public IPAddress Gateway { get; } = GatewayOf(range);

    /// <summary>Which /31 of the pool is its cable's.</summary>
    public int Slot { get; } = slot;

    /// <summary>The root's end of the cable.</summary>
    public IPAddress Near => CableAddress(Slot, 0);

    /// <summary>The tenant's end of the cable.</summary>
    public IPAddress Far => CableAddress(Slot, 1);

    /// <summary>Name of the cable in the root.</summary>
    public string Cable => CableName(Id);

    /// <summary>Its namespace.</summary>
    public NetworkNamespace Space { get; } = space;

    /// <summary>Cards by the name of their tap.</summary>
    public SortedDictionary<string, TenantCard> Cards { get; } = new(StringComparer.Ordinal);

    /// <summary>Name of a machine's tap, from its name on this node. An interface's name holds 15 bytes: 56 bits of it.</summary>
    public static string TapName(string machine) => (TapPrefix + machine)[..NameBytes];

    /// <summary>Name of a network's cable in the root, from its name on this node: 52 bits of it.</summary>
    public static string CableName(string network) => (CablePrefix + network)[..NameBytes];

    /// <summary>
    /// A machine's Ethernet address in a network: locally administered, the same for ever and on every node. Two of one tenant's machines could share one;
    /// nothing is found by it.
    /// </summary>
    public static MacAddress MacOf(WorkloadId network, WorkloadId machine)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"mac\n{network.FormerName}\n{machine.FormerName}"));
        return new MacAddress([2, .. hash.AsSpan(0, 5)]);
    }

    /// <summary>Reads a range as tenants write it.</summary>
    /// <exception cref="WorkloadException">range-invalid.</exception>
    public static IPNetwork ParseRange(string text) =>
        IPNetwork.TryParse(text, out IPNetwork range) && range.BaseAddress.AddressFamily == AddressFamily.InterNetwork
        // Runtimes differ in whether bits behind the prefix are an error.
        && IPAddress.TryParse(text.AsSpan(0, text.IndexOf('/')), out IPAddress? written) && written.Equals(range.BaseAddress)
        && range.PrefixLength is >= ShortestPrefix and <= LongestPrefix && s_private.Any(p => p.Contains(range.BaseAddress))
            ? range
            : throw new WorkloadException("range-invalid",
                $"network range \"{text}\": an IPv4 prefix of private address space with /{ShortestPrefix} to /{LongestPrefix} is needed, as 10.77.1.0/24",
                permanent: true);

    /// <summary>Reads a bridge's alias.</summary>
    public static (IPNetwork Range, bool IsInternal)? FromAlias(string alias)
    {
        string[] part = alias.Split(' ');
        return IPNetwork.TryParse(part[0], out IPNetwork range) && part is [_] or [_, InternalWord] ? (range, part.Length == 2) : null;
    }

    /// <summary>First host address of a range.</summary>
    public static IPAddress GatewayOf(IPNetwork range) => Offset(range.BaseAddress, 1);

    /// <summary>An address a guest may have: inside, and neither the network's own, the gateway's nor the broadcast address.</summary>
    public bool MayBeGuest(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork && Range.Contains(address)
        && !address.Equals(Range.BaseAddress) && !address.Equals(Gateway) && !address.Equals(Prefixes.Last(Range));

    /// <summary>The /31 of a slot.</summary>
    public static IPNetwork CableRange(int slot) => new(CableAddress(slot, 0), 31);

    /// <summary>The slot whose cable has this address.</summary>
    public static int SlotOf(IPAddress near) => (int)((Number(near) - Number(Pool.BaseAddress)) / 2);

    /// <inheritdoc/>
    public void Dispose() => Space.Dispose();

    private static IPAddress CableAddress(int slot, int end) => Offset(Pool.BaseAddress, (uint)((slot * 2) + end));

    private static IPAddress Offset(IPAddress address, uint by)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Number(address) + by);
        return new IPAddress(bytes);
    }

    private static uint Number(IPAddress address) => BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
}

/// <summary>A machine's card: what its tap is pinned to, and whose it is. Written on the tap itself, so that a restarted node finds it there.</summary>
internal sealed record TenantCard(MacAddress Mac, IPAddress Address, string Owner)
{
    /// <summary>For the tap's alias; 255 bytes fit, a key id with two names of 36 takes 160.</summary>
    public string ToAlias() => $"{Mac} {Address} {Owner}";

    /// <summary>Reads a tap's alias.</summary>
    public static TenantCard? FromAlias(string alias)
    {
        string[] part = alias.Split(' ', 3);
        if (part.Length != 3 || part[0].Length != 17 || !IPAddress.TryParse(part[1], out IPAddress? address)
            || !ulong.TryParse(part[0].Replace(":", "", StringComparison.Ordinal), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _))
            return null;
        return new TenantCard(MacAddress.Parse(part[0]), address, part[2]);
    }
}
