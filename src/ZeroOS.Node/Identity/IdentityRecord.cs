using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

using ZeroOS.Bus.Keys;
using ZeroOS.Host.Storage;

namespace ZeroOS.Node.Identity;

/// <summary>
/// The identity as kept on a disk: magic with the version in its last byte, u64 generation, then of version 1 the 32-byte seed in the open and of version 2 a
/// <see cref="SealedIdentity"/>, u32 CRC-32C of all before. The checksum finds damage, not forgery.
/// </summary>
/// <param name="Generation">The highest is the newest word about the same identity.</param>
/// <param name="Node">Whose it is.</param>
/// <param name="Seed">In the open.</param>
/// <param name="Sealed">Or sealed: exactly one of the two.</param>
internal sealed record IdentityRecord(ulong Generation, KeyId Node, byte[]? Seed, SealedIdentity? Sealed)
{
    internal const int SeedBytes = 32, MaxBytes = 8192;

    private const int HeadBytes = 8 + 8, ChecksumBytes = 4;

    private static ReadOnlySpan<byte> OpenMagic => "ZEROOSI\x01"u8;

    private static ReadOnlySpan<byte> SealedMagic => "ZEROOSI\x02"u8;

    /// <summary>One in the open.</summary>
    internal static IdentityRecord Open(ulong generation, byte[] seed)
    {
        using IdentityKey key = IdentityKey.FromSeed(seed);
        return new IdentityRecord(generation, key.Id, seed, null);
    }

    internal static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out IdentityRecord? record)
    {
        record = null;
        if (bytes.Length is < HeadBytes + ChecksumBytes or > MaxBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..]) != Checksum.Crc32C(bytes[..^ChecksumBytes]))
            return false;
        ulong generation = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        ReadOnlySpan<byte> body = bytes[HeadBytes..^ChecksumBytes];
        if (bytes.StartsWith(OpenMagic) && body.Length == SeedBytes)
            record = Open(generation, body.ToArray());
        else if (bytes.StartsWith(SealedMagic) && SealedIdentity.TryRead(body, out SealedIdentity? found))
            record = new IdentityRecord(generation, found.Node, null, found);
        return record is not null;
    }

    internal byte[] ToBytes()
    {
        byte[] bytes = [.. Sealed is null ? OpenMagic : SealedMagic, .. new byte[8], .. Sealed?.ToBytes() ?? Seed!, .. new byte[ChecksumBytes]];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Generation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - ChecksumBytes), Checksum.Crc32C(bytes.AsSpan(0, bytes.Length - ChecksumBytes)));
        return bytes;
    }
}
