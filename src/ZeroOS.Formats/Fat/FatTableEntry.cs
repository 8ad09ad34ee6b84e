using System.Buffers.Binary;

namespace ZeroOS.Formats.Fat;

/// <summary>A cluster's entry in the file allocation table: the cluster after it, or one of the values here (FAT specification, section 4).</summary>
public static class FatTableEntry
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = 4;

    /// <summary>The cluster is nobody's.</summary>
    public const uint Free = 0;

    /// <summary>Nothing can be stored in the cluster.</summary>
    public const uint Bad = 0x0FFF_FFF7;

    /// <summary>The lowest of the values that mean that a chain ends.</summary>
    public const uint EndOfChain = 0x0FFF_FFF8;

    /// <summary>The one of them that is written.</summary>
    public const uint Last = 0x0FFF_FFFF;

    internal const uint Media = 0x0FFF_FFF8; // entry 0, of a hard disk
    private const uint Mask = 0x0FFF_FFFF;

    /// <summary>What an entry says: 28 bits.</summary>
    public static uint Read(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt32LittleEndian(entry) & Mask;

    /// <summary>Has an entry say <paramref name="value"/>. The upper four bits are not part of the number and stay as they are.</summary>
    public static void Write(Span<byte> entry, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(entry, (BinaryPrimitives.ReadUInt32LittleEndian(entry) & ~Mask) | value);
}
