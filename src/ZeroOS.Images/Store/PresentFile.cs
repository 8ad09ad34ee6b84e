using System.Buffers.Binary;
using System.Security.Cryptography;

using ZeroOS.Flist;
using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>
/// The <c>present</c> file: which chunks are probably on the disk. A hint with a checksum, written after the data was synced; whatever it says, a chunk is
/// hashed before anybody reads it. Layout: "ZPRESNT1", u32 chunk count, u32 zero, the index's digest, the bits, SHA-256 of all before.
/// </summary>
internal static class PresentFile
{
    private const ulong Magic = 0x31_54_4E_53_45_52_50_5A;
    private const int HeaderSize = 16 + Sha256Digest.Size;

    /// <summary>Reads the hint; a file that is missing, torn or another image's says nothing is there.</summary>
    public static ChunkMap Load(string path, Sha256Digest index, int chunks) =>
        Parse(SmallFile.TryRead(path, HeaderSize + ((chunks + 7) / 8) + Sha256Digest.Size) ?? [], index, chunks);

    /// <summary>As <see cref="Load"/>, of bytes.</summary>
    public static ChunkMap Parse(ReadOnlySpan<byte> bytes, Sha256Digest index, int chunks)
    {
        ChunkMap map = new(chunks);
        if (bytes.Length != HeaderSize + map.Bytes.Length + Sha256Digest.Size)
            return map;
        int end = bytes.Length - Sha256Digest.Size;
        if (Header(index, chunks).AsSpan().SequenceEqual(bytes[..HeaderSize]) && SHA256.HashData(bytes[..end]).AsSpan().SequenceEqual(bytes[end..]))
            bytes.Slice(HeaderSize, map.Bytes.Length).CopyTo(map.Bytes);
        return map;
    }

    /// <summary>Writes the hint in one step; what it says must have been synced before.</summary>
    /// <exception cref="LinuxException">What the kernel refused; the old hint stays.</exception>
    public static void Save(string path, Sha256Digest index, ChunkMap map)
    {
        byte[] content = [.. Header(index, map.Count), .. map.Bytes];
        SmallFile.Write(path, [.. content, .. SHA256.HashData(content)]);
    }

    private static byte[] Header(Sha256Digest index, int chunks)
    {
        byte[] header = new byte[HeaderSize];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), chunks);
        index.CopyTo(header.AsSpan(16));
        return header;
    }
}
