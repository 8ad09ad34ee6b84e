using System.Numerics;

namespace ZeroOS.Formats.Erofs;

/// <summary>CRC-32C as the EROFS superblock uses it: started with all ones and not inverted at the end.</summary>
internal static class Crc32C
{
    internal static uint Raw(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
