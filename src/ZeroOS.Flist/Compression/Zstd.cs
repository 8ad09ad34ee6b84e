using System.Runtime.InteropServices;

namespace ZeroOS.Flist.Compression;

/// <summary>What is true of libzstd as a whole.</summary>
public static unsafe class Zstd
{
    /// <summary>The library's version: 1.5.4 is 10504. Part of a builder's identity, because another version may compress the same bytes differently.</summary>
    public static int Version => (int)LibZstd.ZSTD_versionNumber();

    /// <summary>Bytes that compressing <paramref name="length"/> bytes can need at most.</summary>
    public static int CompressBound(int length) => checked((int)LibZstd.ZSTD_compressBound((nuint)length));

    internal static bool Failed(nuint code) => LibZstd.ZSTD_isError(code) != 0;

    internal static string Reason(nuint code) => Marshal.PtrToStringUTF8((nint)LibZstd.ZSTD_getErrorName(code)) ?? "";
}
