using System.Runtime.InteropServices;

namespace ZeroOS.Formats.Zstd;

/// <summary>What is true of libzstd as a whole.</summary>
public static unsafe class ZstdLibrary
{
    /// <summary>The library's version: 1.5.4 is 10504. Part of a builder's identity, because another version may compress the same bytes differently.</summary>
    public static int Version => (int)LibZstd.ZSTD_versionNumber();

    /// <summary>Bytes that compressing <paramref name="length"/> bytes can need at most.</summary>
    public static int CompressBound(int length) => checked((int)LibZstd.ZSTD_compressBound((nuint)length));

    /// <summary>Bytes of the frame that <paramref name="stored"/> begins with; -1 when it begins with none, or the frame is cut off.</summary>
    public static int FrameLength(ReadOnlySpan<byte> stored)
    {
        // SAFETY: the span is pinned for the call and zstd keeps to the size it is given.
        fixed (byte* source = stored)
        {
            nuint code = LibZstd.ZSTD_findFrameCompressedSize(source, (nuint)stored.Length);
            return Failed(code) ? -1 : (int)code;
        }
    }

    internal static bool Failed(nuint code) => LibZstd.ZSTD_isError(code) != 0;

    internal static string Reason(nuint code) => Marshal.PtrToStringUTF8((nint)LibZstd.ZSTD_getErrorName(code)) ?? "";
}
