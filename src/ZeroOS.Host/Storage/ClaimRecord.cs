using System.Buffers.Binary;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The first 4 KiB of a disk of ours: says that the node claimed it, as which disk of the pool, and which file system it put there. Written before anything
/// else, so that an interrupted claim is known as ours and done again. Layout: magic 8, u32 version, u32 index, file system id 16, pool id 16, zeros, u32
/// CRC-32C of all before.
/// </summary>
/// <param name="Index">Which disk of the pool.</param>
/// <param name="FileSystem">Id of the btrfs.</param>
/// <param name="Pool">Drawn with the first disk that a node claims, the same on all of them: a disk of another node has another. Zero on disks that were
/// claimed before there was one.</param>
internal readonly record struct ClaimRecord(uint Index, Guid FileSystem, Guid Pool)
{
    internal const int Bytes = 4096;

    private const uint Version = 1;
    private const int FileSystemOffset = 16, PoolOffset = 32, ZerosOffset = 48, ChecksumOffset = Bytes - 4;

    private static ReadOnlySpan<byte> Magic => "ZEROOSD\x01"u8;

    /// <summary>Reads a record; false for any other bytes.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out ClaimRecord record)
    {
        record = default;
        if (bytes.Length < Bytes || !bytes.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != Version)
            return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumOffset..]) != Checksum.Crc32C(bytes[..ChecksumOffset]))
            return false;
        record = new ClaimRecord(BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]), new Guid(bytes[FileSystemOffset..PoolOffset], bigEndian: true),
            new Guid(bytes[PoolOffset..ZerosOffset], bigEndian: true));
        return true;
    }

    /// <summary>The record as it lies on the disk.</summary>
    internal byte[] ToBytes()
    {
        byte[] bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), Index);
        FileSystem.TryWriteBytes(bytes.AsSpan(FileSystemOffset), bigEndian: true, out _);
        Pool.TryWriteBytes(bytes.AsSpan(PoolOffset), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumOffset), Checksum.Crc32C(bytes.AsSpan(0, ChecksumOffset)));
        return bytes;
    }
}
