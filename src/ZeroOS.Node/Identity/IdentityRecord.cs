using System.Buffers.Binary;

using ZeroOS.Node.Storage;

namespace ZeroOS.Node.Identity;

/// <summary>The identity as kept on a disk: magic 8, u64 generation, 32-byte seed, u32 CRC-32C of all before. The checksum finds damage, not forgery.</summary>
internal readonly record struct IdentityRecord(ulong Generation, byte[] Seed)
{
    internal const int SeedBytes = 32, Bytes = 8 + 8 + SeedBytes + 4;

    private static ReadOnlySpan<byte> Magic => "ZEROOSI\x01"u8;

    internal static bool TryRead(ReadOnlySpan<byte> bytes, out IdentityRecord record)
    {
        record = default;
        if (bytes.Length != Bytes || !bytes.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) != Checksum.Crc32C(bytes[..^4]))
            return false;
        record = new IdentityRecord(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]), bytes.Slice(16, SeedBytes).ToArray());
        return true;
    }

    internal byte[] ToBytes()
    {
        byte[] bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Generation);
        Seed.CopyTo(bytes, 16);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Bytes - 4), Checksum.Crc32C(bytes.AsSpan(0, Bytes - 4)));
        return bytes;
    }
}
