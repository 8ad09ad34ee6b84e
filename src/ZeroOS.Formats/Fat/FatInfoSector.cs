using System.Buffers.Binary;

namespace ZeroOS.Formats.Fat;

/// <summary>The FSInfo sector: how many clusters are free and where to look for one, which some readers trust (FAT specification, section 5).</summary>
public static class FatInfoSector
{
    private const uint Lead = 0x41615252, Middle = 0x61417272, Trail = 0xAA550000;
    private const int MiddleAt = 484, FreeAt = 488, NextAt = 492, TrailAt = 508;

    /// <summary>Whether a sector (at least 512 bytes) is one.</summary>
    public static bool IsOne(ReadOnlySpan<byte> sector) =>
        BinaryPrimitives.ReadUInt32LittleEndian(sector) == Lead && BinaryPrimitives.ReadUInt32LittleEndian(sector[MiddleAt..]) == Middle;

    /// <summary>Makes a sector (at least 512 bytes) one; what has no meaning in it stays.</summary>
    /// <param name="sector">The sector.</param>
    /// <param name="free">Clusters that are free.</param>
    /// <param name="next">The cluster to begin a search for a free one at; 0xFFFFFFFF: unknown.</param>
    public static void Write(Span<byte> sector, uint free, uint next)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(sector, Lead);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[MiddleAt..], Middle);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[FreeAt..], free);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[NextAt..], next);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[TrailAt..], Trail);
    }
}
