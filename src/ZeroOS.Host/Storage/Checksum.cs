using System.Buffers.Binary;
using System.Numerics;

namespace ZeroOS.Host.Storage;

/// <summary>CRC-32C (RFC 3720, appendix B.4), as btrfs has it and as ext4 without the last inversion.</summary>
internal static class Checksum
{
    /// <summary>Started with all ones, inverted at the end.</summary>
    internal static uint Crc32C(ReadOnlySpan<byte> bytes) => ~Raw(bytes);

    /// <summary>Started with all ones, not inverted.</summary>
    internal static uint Raw(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return crc;
    }
}
