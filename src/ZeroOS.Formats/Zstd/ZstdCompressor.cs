using Microsoft.Win32.SafeHandles;

namespace ZeroOS.Formats.Zstd;

/// <summary>Compresses blocks, each into one frame that declares its size and has no checksum (a flist has its own). For one thread at a time.</summary>
public sealed unsafe class ZstdCompressor : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>
    /// A compressor of the given level, 1 (fast) to 22 (small). With <paramref name="window"/> (10 to 27, the power of two of its bytes) it finds again what it
    /// met that far back, at any level; decompressing then needs that much memory, or the plain size where that is less.
    /// </summary>
    /// <exception cref="ArgumentException">zstd does not take the level or the window.</exception>
    public ZstdCompressor(int level, int? window = null) : base(ownsHandle: true)
    {
        SetHandle(LibZstd.ZSTD_createCCtx());
        if (IsInvalid || !Set(LibZstd.ZSTD_c_compressionLevel, level))
            throw new ArgumentException($"zstd cannot compress at level {level}.", nameof(level));
        if (window is int log && !(Set(LibZstd.ZSTD_c_windowLog, log) && Set(LibZstd.ZSTD_c_enableLongDistanceMatching, 1)))
            throw new ArgumentException($"zstd cannot compress with a window of 2^{log} bytes.", nameof(window));
    }

    /// <summary>Compresses <paramref name="plain"/> and returns how many bytes that made; 0 if they do not fit.</summary>
    public int Compress(ReadOnlySpan<byte> plain, Span<byte> stored)
    {
        // SAFETY: both spans are pinned for the call and zstd keeps to the sizes it is given.
        fixed (byte* source = plain, destination = stored)
        {
            nuint code = LibZstd.ZSTD_compress2(handle, destination, (nuint)stored.Length, source, (nuint)plain.Length);
            return ZstdLibrary.Failed(code) ? 0 : (int)code;
        }
    }

    private bool Set(int parameter, int value) => !ZstdLibrary.Failed(LibZstd.ZSTD_CCtx_setParameter(handle, parameter, value));

    protected override bool ReleaseHandle() => !ZstdLibrary.Failed(LibZstd.ZSTD_freeCCtx(handle));
}
