using System.Net;

namespace ZeroOS.Linux.Netlink;

/// <summary>Arithmetic on address prefixes.</summary>
public static class Prefixes
{
    /// <summary>The prefix that an address is in: the bits behind it are cleared.</summary>
    public static IPNetwork Truncate(IPAddress address, int prefixLength)
    {
        byte[] bytes = address.GetAddressBytes();
        prefixLength = Math.Clamp(prefixLength, 0, bytes.Length * 8);
        for (int bit = prefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), prefixLength);
    }

    /// <summary>One prefix holds the other, or part of it.</summary>
    public static bool Overlap(IPNetwork one, IPNetwork other) => one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress);

    /// <summary>The last address of a prefix.</summary>
    public static IPAddress Last(IPNetwork network)
    {
        byte[] bytes = network.BaseAddress.GetAddressBytes();
        for (int bit = network.PrefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return new IPAddress(bytes);
    }
}
