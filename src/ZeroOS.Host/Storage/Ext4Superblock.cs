using System.Buffers.Binary;

namespace ZeroOS.Host.Storage;

/// <summary>The parts of an ext4 superblock (struct ext4_super_block, fs/ext4/ext4.h) that a template's stamp changes. Any bytes are valid input.</summary>
internal static class Ext4Superblock
{
    internal const int Offset = 1024, Bytes = 1024;

    private const int MagicAt = 0x38, Incompat = 0x60, RoCompat = 0x64, Uuid = 0x68, HashSeed = 0xEC, ChecksumAt = 0x3FC;
    private const uint RoCompatMetadataCsum = 0x400, IncompatCsumSeed = 0x2000;

    /// <summary>
    /// Sets UUID, hash seed and checksum. False for what is not an intact superblock with metadata_csum_seed: without it every
    /// checksum in the file system would depend on the UUID.
    /// </summary>
    internal static bool TryStamp(Span<byte> bytes, Guid id, Guid hashSeed)
    {
        if (!IsStampable(bytes))
            return false;
        id.TryWriteBytes(bytes[Uuid..], bigEndian: true, out _);
        hashSeed.TryWriteBytes(bytes[HashSeed..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Checksum.Raw(bytes[..ChecksumAt]));
        return true;
    }

    private static bool IsStampable(ReadOnlySpan<byte> bytes) => bytes.Length >= Bytes && BinaryPrimitives.ReadUInt16LittleEndian(bytes[MagicAt..]) == 0xEF53
        && (BinaryPrimitives.ReadUInt32LittleEndian(bytes[RoCompat..]) & RoCompatMetadataCsum) != 0
        && (BinaryPrimitives.ReadUInt32LittleEndian(bytes[Incompat..]) & IncompatCsumSeed) != 0
        && BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumAt..]) == Checksum.Raw(bytes[..ChecksumAt]);
}
