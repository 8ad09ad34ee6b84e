using System.Buffers.Binary;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The parts of a btrfs superblock (struct btrfs_super_block, uapi/linux/btrfs_tree.h) that a template's stamp changes or proves. Any bytes are valid input.
/// </summary>
internal static class BtrfsSuperblock
{
    internal const int Bytes = 4096;

    /// <summary>Where copies lie, if the device is that large: 64 KiB, 64 MiB, 256 GiB.</summary>
    internal static readonly long[] Offsets = [64L << 10, 64L << 20, 256L << 30];

    private const int Csum = 0, CsumBytes = 32, Fsid = 0x20, Magic = 0x40, IncompatFlags = 0xBC, CsumType = 0xC4, MetadataUuid = 0x23B;
    private const ulong FeatureMetadataUuid = 1 << 10;

    /// <summary>
    /// Reads whose file system it is: its id, and the id its metadata was made under (the template's). False for what is no intact superblock.
    /// </summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out Guid id, out Guid metadataId)
    {
        (id, metadataId) = (default, default);
        if (!IsIntact(bytes))
            return false;
        id = new Guid(bytes.Slice(Fsid, 16), bigEndian: true);
        bool separate = (BinaryPrimitives.ReadUInt64LittleEndian(bytes[IncompatFlags..]) & FeatureMetadataUuid) != 0;
        metadataId = separate ? new Guid(bytes.Slice(MetadataUuid, 16), bigEndian: true) : id;
        return true;
    }

    /// <summary>
    /// Gives a template's superblock its own id; what every tree block says becomes the metadata id (kernel feature METADATA_UUID). False: not a fresh
    /// template.
    /// </summary>
    internal static bool TryStamp(Span<byte> bytes, Guid id)
    {
        if (!TryRead(bytes, out Guid own, out Guid metadata) || own != metadata)
            return false;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[IncompatFlags..], BinaryPrimitives.ReadUInt64LittleEndian(bytes[IncompatFlags..]) | FeatureMetadataUuid);
        own.TryWriteBytes(bytes[MetadataUuid..], bigEndian: true, out _);
        id.TryWriteBytes(bytes[Fsid..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[Csum..], Checksum.Crc32C(bytes[CsumBytes..Bytes]));
        return true;
    }

    private static bool IsIntact(ReadOnlySpan<byte> bytes) => bytes.Length >= Bytes && bytes[Magic..].StartsWith("_BHRfS_M"u8)
        && BinaryPrimitives.ReadUInt16LittleEndian(bytes[CsumType..]) == 0
        && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Checksum.Crc32C(bytes[CsumBytes..Bytes]);
}
