using Microsoft.Win32.SafeHandles;

namespace ZeroOS.Flist.Compression;

/// <summary>Compresses blocks, each into one frame that declares its size and has no checksum (a flist has its own). For one thread at a time.</summary>
public sealed unsafe class ZstdCompressor : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>A compressor of the given level, 1 (fast) to 22 (small).</summary>
    public ZstdCompressor(int level) : base(ownsHandle: true)
    {
        SetHandle(LibZstd.ZSTD_createCCtx());
        nuint code = IsInvalid ? 0 : LibZstd.ZSTD_CCtx_setParameter(handle, LibZstd.ZSTD_c_compressionLevel, level);
        if (IsInvalid || Zstd.Failed(code))
            throw new ArgumentException($"zstd cannot compress at level {level}.", nameof(level));
    }

    /// <summary>Compresses <paramref name="plain"/> and returns how many bytes that made; 0 if they do not fit.</summary>
    public int Compress(ReadOnlySpan<byte> plain, Span<byte> stored)
    {
        // SAFETY: both spans are pinned for the call and zstd keeps to the sizes it is given.
        fixed (byte* source = plain, destination = stored)
        {
            nuint code = LibZstd.ZSTD_compress2(handle, destination, (nuint)stored.Length, source, (nuint)plain.Length);
            return Zstd.Failed(code) ? 0 : (int)code;
        }
    }

    protected override bool ReleaseHandle() => !Zstd.Failed(LibZstd.ZSTD_freeCCtx(handle));
}
