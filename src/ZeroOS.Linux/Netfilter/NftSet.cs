using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ZeroOS.Linux.Netfilter;

/// <summary>A named set: prefixes as intervals, interface names, or counters by key that rules fill themselves.</summary>
public sealed class NftSet
{
    private const int TypeIpv4 = 7, TypeIpv6 = 8, TypeInterfaceName = 41;

    private NftSet(string name, int keyType, int keyBytes, bool intervals, List<(byte[] Key, bool IsEnd)> elements)
    {
        Name = name;
        KeyType = keyType;
        KeyBytes = keyBytes;
        IsInterval = intervals;
        Elements = elements;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What the nft tool shows its elements as.</summary>
    internal int KeyType { get; }

    internal int KeyBytes { get; }

    internal bool IsInterval { get; }

    /// <summary>Keys in order; an end is the first key behind an interval.</summary>
    internal IReadOnlyList<(byte[] Key, bool IsEnd)> Elements { get; }

    /// <summary>Most keys of a set that rules fill, or 0.</summary>
    internal int DynamicSize { get; private init; }

    /// <summary>How long a key of a set that rules fill is kept after its last packet, or null: as long as its counter counts something.</summary>
    internal TimeSpan? Timeout { get; private init; }

    /// <summary>Numbers in keys are big-endian; a name is not a number.</summary>
    internal bool IsNumber => KeyType != TypeInterfaceName;

    internal static NftSet OfKeys(string name, NftKey key, int size, TimeSpan? timeout)
    {
        (int type, int bytes) = key switch
        {
            NftKey.InputLink or NftKey.OutputLink => (TypeInterfaceName, NftRule.InterfaceNameBytes),
            NftKey.Source6Network => (TypeIpv6, 16),
            _ => (TypeIpv4, 4),
        };
        return new NftSet(name, type, bytes, false, []) { DynamicSize = size, Timeout = timeout };
    }

    internal static NftSet OfPrefixes(string name, bool v6, IEnumerable<IPNetwork> prefixes)
    {
        AddressFamily family = v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        int bytes = v6 ? 16 : 4;
        List<(UInt128 First, UInt128 Last)> merged = [];
        foreach ((UInt128 first, UInt128 last) in prefixes.Where(p => p.BaseAddress.AddressFamily == family)
            .Select(p => (First: Number(p.BaseAddress), Last: Number(Netlink.Prefixes.Last(p)))).OrderBy(r => r.First).ThenBy(r => r.Last))
        {
            // The kernel refuses intervals that overlap, and a lease can repeat a prefix we list.
            if (merged.Count > 0 && (first == 0 || first - 1 <= merged[^1].Last))
                merged[^1] = (merged[^1].First, UInt128.Max(merged[^1].Last, last));
            else
                merged.Add((first, last));
        }
        List<(byte[], bool)> elements = [];
        UInt128 most = v6 ? UInt128.MaxValue : uint.MaxValue;
        foreach ((UInt128 first, UInt128 last) in merged)
        {
            elements.Add((Key(first, bytes), false));
            if (last != most)
                elements.Add((Key(last + 1, bytes), true));
        }
        return new NftSet(name, v6 ? TypeIpv6 : TypeIpv4, bytes, true, elements);
    }

    internal static NftSet OfInterfaces(string name, IEnumerable<string> names) =>
        new(name, TypeInterfaceName, NftRule.InterfaceNameBytes, false, names.Distinct().ToList().ConvertAll(n => (InterfaceKey(n), false)));

    internal static byte[] InterfaceKey(string name)
    {
        byte[] key = new byte[NftRule.InterfaceNameBytes];
        Encoding.ASCII.GetBytes(name, key);
        return key;
    }

    private static UInt128 Number(IPAddress address)
    {
        UInt128 number = 0;
        foreach (byte b in address.GetAddressBytes())
            number = (number << 8) | b;
        return number;
    }

    private static byte[] Key(UInt128 number, int bytes)
    {
        byte[] key = new byte[bytes];
        for (int i = bytes - 1; i >= 0; i--, number >>= 8)
            key[i] = (byte)(number & 0xff);
        return key;
    }
}
