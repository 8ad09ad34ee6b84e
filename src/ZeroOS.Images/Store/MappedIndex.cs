using System.Security.Cryptography;

using ZeroOS.Flist;
using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>
/// An image's index, mapped read-only from the node's own copy of it, whose digest was verified before. The kernel may drop its pages and read them again,
/// so an index costs the node address space and no memory of its own. Closed when nobody reads the image any more.
/// </summary>
internal sealed unsafe class MappedIndex : IDisposable
{
    private readonly MemoryMapping _memory;

    private MappedIndex(MemoryMapping memory, FlistIndex index) => (_memory, Index) = (memory, index);

    /// <summary>The index.</summary>
    public FlistIndex Index { get; }

    /// <summary>Bytes of it.</summary>
    public long SizeBytes => _memory.Size;

    /// <summary>Maps the index at <paramref name="path"/>; null when the file is missing or not what its digest says.</summary>
    /// <exception cref="FlistFormatException">What is wrong with an index that has the digest.</exception>
    /// <exception cref="LinuxException">Its bytes cannot be read.</exception>
    public static MappedIndex? TryOpen(string path, BlobDescriptor blob)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly | OpenFlags.NoFollow, 0, out Errno errno);
        if (file is null)
            return errno == Errno.ENOENT ? null : throw new LinuxException(errno, "open", path);
        if (!IsWhole(file, blob))
            return null;
        MemoryMapping memory = MemoryMapping.OfFile(file, blob.Size);
        // SAFETY: the mapping has as many bytes as the file, which nobody makes shorter, and lives as long as this object, which the image keeps.
        if (FlistIndex.TryOpen(memory.Pointer, (int)blob.Size, out FlistIndex? index, out string? error))
            return new MappedIndex(memory, index);
        memory.Dispose();
        throw new FlistFormatException(error);
    }

    /// <summary>Whether a file has exactly a blob's bytes; reads it through a small buffer.</summary>
    /// <exception cref="LinuxException">Its bytes cannot be read.</exception>
    public static bool IsWhole(FileDescriptor file, BlobDescriptor blob)
    {
        if (file.Length != blob.Size)
            return false;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 * 1024];
        for (long at = 0; at < blob.Size;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, blob.Size - at));
            file.ReadExactlyAt(part, at);
            hash.AppendData(part);
            at += part.Length;
        }
        return new Sha256Digest(hash.GetHashAndReset()) == blob.Digest;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
