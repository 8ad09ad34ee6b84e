using Microsoft.Win32.SafeHandles;

namespace ZeroOS.Formats.Zstd;

/// <summary>Decompresses blocks whose plain size is known. For one thread at a time.</summary>
public sealed unsafe class ZstdDecompressor : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <summary>A decompressor; it grows to the largest window met, bounded by the plain size.</summary>
    public ZstdDecompressor() : base(ownsHandle: true)
    {
        SetHandle(LibZstd.ZSTD_createDCtx());
        if (IsInvalid)
            throw new InvalidOperationException("zstd could not make a decompressor.");
    }

    /// <summary>Fills exactly <paramref name="plain"/> from <paramref name="stored"/>; false when the bytes are not zstd or make another size.</summary>
    public bool TryDecompress(ReadOnlySpan<byte> stored, Span<byte> plain)
    {
        // SAFETY: both spans are pinned for the call and zstd keeps to the sizes it is given.
        fixed (byte* source = stored, destination = plain)
        {
            nuint code = LibZstd.ZSTD_decompressDCtx(handle, destination, (nuint)plain.Length, source, (nuint)stored.Length);
            return !ZstdLibrary.Failed(code) && code == (nuint)plain.Length;
        }
    }

    protected override bool ReleaseHandle() => !ZstdLibrary.Failed(LibZstd.ZSTD_freeDCtx(handle));
}
