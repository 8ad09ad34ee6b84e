using System.Runtime.InteropServices;

namespace ZeroOS.Formats.Zstd;

/// <summary>The part of libzstd (zstd.h 1.5) that flists need, as its manual says it.</summary>
internal static unsafe partial class LibZstd
{
    internal const int ZSTD_c_compressionLevel = 100, ZSTD_c_windowLog = 101, ZSTD_c_enableLongDistanceMatching = 160, ZSTD_c_checksumFlag = 201,
        ZSTD_d_windowLogMax = 100;

    private const string Z = "libzstd";

    [StructLayout(LayoutKind.Sequential)]
    internal struct ZSTD_inBuffer
    {
        internal void* src;
        internal nuint size;
        internal nuint pos;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct ZSTD_outBuffer
    {
        internal void* dst;
        internal nuint size;
        internal nuint pos;
    }

    [LibraryImport(Z)]
    internal static partial uint ZSTD_versionNumber();

    [LibraryImport(Z)]
    internal static partial uint ZSTD_isError(nuint code);

    [LibraryImport(Z)]
    internal static partial byte* ZSTD_getErrorName(nuint code);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_compressBound(nuint srcSize);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_findFrameCompressedSize(void* src, nuint srcSize);

    [LibraryImport(Z)]
    internal static partial nint ZSTD_createCCtx();

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_freeCCtx(nint context);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_CCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_compress2(nint context, void* dst, nuint dstCapacity, void* src, nuint srcSize);

    [LibraryImport(Z)]
    internal static partial nint ZSTD_createDCtx();

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_DCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_decompressDCtx(nint context, void* dst, nuint dstCapacity, void* src, nuint srcSize);

    [LibraryImport(Z)]
    internal static partial nuint ZSTD_decompressStream(nint context, ZSTD_outBuffer* output, ZSTD_inBuffer* input);
}
