using System.Buffers.Binary;

namespace ZeroOS.Flist;

/// <summary>Writes the index that <see cref="FlistIndex"/> reads (docs/flist.md, "Index").</summary>
public static class FlistIndexWriter
{
    /// <summary>The index's bytes. Chunks are in the order of the device and do not overlap.</summary>
    /// <exception cref="FlistFormatException">The result would not be a valid index; the message says which chunk and why.</exception>
    public static byte[] Write(long deviceSizeBytes, IReadOnlyList<Sha256Digest> blobs, IReadOnlyList<FlistChunk> chunks)
    {
        long size = FlistFormat.HeaderSize + ((long)blobs.Count * Sha256Digest.Size) + ((long)chunks.Count * FlistFormat.RecordSize);
        if (size > FlistFormat.MaxIndexBytes)
            throw new FlistFormatException($"{chunks.Count} chunks make an index of {size} bytes; {FlistFormat.MaxIndexBytes} are allowed");
        byte[] bytes = new byte[size];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, FlistFormat.IndexMagic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), FlistFormat.IndexVersion);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), deviceSizeBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), FlistFormat.BlockSize);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), chunks.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(32), blobs.Count);
        Span<byte> rest = bytes.AsSpan(FlistFormat.HeaderSize);
        foreach (Sha256Digest blob in blobs)
        {
            blob.CopyTo(rest);
            rest = rest[Sha256Digest.Size..];
        }
        foreach (FlistChunk chunk in chunks)
        {
            WriteRecord(rest, chunk);
            rest = rest[FlistFormat.RecordSize..];
        }
        _ = FlistIndex.Open(bytes);
        return bytes;
    }

    private static void WriteRecord(Span<byte> r, in FlistChunk chunk)
    {
        BinaryPrimitives.WriteInt64LittleEndian(r, chunk.DeviceOffset);
        BinaryPrimitives.WriteInt32LittleEndian(r[8..], chunk.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(r[12..], checked((ushort)chunk.Blob));
        r[14] = (byte)chunk.Codec;
        r[15] = chunk.NeededAtStart ? FlistFormat.FlagNeededAtStart : (byte)0;
        BinaryPrimitives.WriteInt64LittleEndian(r[16..], chunk.BlobOffset);
        BinaryPrimitives.WriteInt32LittleEndian(r[24..], chunk.StoredLength);
        chunk.StoredDigest.CopyTo(r[32..]);
        chunk.PlainDigest.CopyTo(r[64..]);
    }
}
