using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ZeroOS.Engine.Admission;

/// <summary>A tenant network's IPv4 range: private space (RFC 1918), /16 to /29, no host bits set. The first host address is the gateway.</summary>
internal readonly record struct Ipv4Range(uint Network, int PrefixLength)
{
    private static readonly (uint Network, int Prefix)[] s_private = [(0x0A000000, 8), (0xAC100000, 12), (0xC0A80000, 16)];

    private uint Mask => uint.MaxValue << (32 - PrefixLength);

    /// <summary>The gateway's address.</summary>
    public uint Gateway => Network + 1;

    /// <summary>The last address, which nobody may have.</summary>
    public uint Broadcast => Network | ~Mask;

    /// <summary>Parses "10.77.1.0/24" and says in a sentence what is wrong with anything else.</summary>
    public static bool TryParse(string text, out Ipv4Range range, out string why)
    {
        range = default;
        why = "is not an IPv4 range such as 10.77.1.0/24";
        int slash = text.IndexOf('/');
        if (slash < 0 || !TryParseAddress(text[..slash], out uint address)
            || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int prefix) || text.Length - slash > 3)
            return false;
        why = "must be between /16 and /29";
        if (prefix is < 16 or > 29)
            return false;
        Ipv4Range candidate = new(address, prefix);
        why = $"has bits set beyond /{prefix.ToString(CultureInfo.InvariantCulture)}: "
            + $"write {Text(address & candidate.Mask)}/{prefix.ToString(CultureInfo.InvariantCulture)}";
        if ((address & ~candidate.Mask) != 0)
            return false;
        why = "is not private address space (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16)";
        foreach ((uint network, int length) in s_private)
        {
            if ((address & (uint.MaxValue << (32 - length))) == network)
            {
                range = candidate;
                return true;
            }
        }
        return false;
    }

    /// <summary>
    /// Parses a dotted quad in its one canonical form: "010.1.1.1" and "10.1" are refused, as they mean different things to different programs.
    /// </summary>
    public static bool TryParseAddress(string text, out uint address)
    {
        address = 0;
        if (text.Length > 15 || !IPAddress.TryParse(text, out IPAddress? parsed) || parsed.AddressFamily != AddressFamily.InterNetwork
            || parsed.ToString() != text)
            return false;
        Span<byte> bytes = stackalloc byte[4];
        parsed.TryWriteBytes(bytes, out _);
        address = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return true;
    }

    /// <summary>Whether the address lies in the range.</summary>
    public bool Contains(uint address) => (address & Mask) == Network;

    /// <summary>Whether the two share an address.</summary>
    public bool Overlaps(Ipv4Range other) => Contains(other.Network) || other.Contains(Network);

    /// <summary>The lowest address that a machine may have and nobody has, or null.</summary>
    public uint? FirstFree(Predicate<uint> taken)
    {
        for (uint address = Network + 2; address < Broadcast; address++)
        {
            if (!taken(address))
                return address;
        }
        return null;
    }

    /// <summary>The dotted quad.</summary>
    public static string Text(uint address) =>
        string.Create(CultureInfo.InvariantCulture, $"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");
}
