using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Zstd;

namespace ZeroOS.Media.SystemImage.Signing;

/// <summary>
/// The initramfs of an image: one zstd frame, and behind it, in an image made for one farm, an archive with that farm's settings. The kernel unpacks archives
/// that follow one another, each over the last (Documentation/driver-api/early-userspace/buffer-format.rst).
/// </summary>
internal static class Initramfs
{
    private const int MaxBytes = 1 << 30;
    private const int Alignment = 4; // where the kernel looks for the next archive

    /// <summary>All its entries, in order.</summary>
    /// <exception cref="InvalidDataException">Not an initramfs of ours.</exception>
    public static IReadOnlyList<CpioEntry> Read(ReadOnlyMemory<byte> initramfs)
    {
        int frame = FrameLength(initramfs);
        using ZstdReadStream plain = new(new MemoryStream(initramfs[..frame].ToArray()));
        MemoryStream archive = new();
        byte[] piece = new byte[1 << 20];
        for (int read; (read = plain.Read(piece)) > 0;)
        {
            archive.Write(piece.AsSpan(0, read));
            if (archive.Length > MaxBytes)
                throw new InvalidDataException("the initramfs of this image is larger than any is");
        }
        return [.. CpioReader.Read(archive.ToArray()), .. CpioReader.Read(initramfs[Math.Min(Aligned(frame), initramfs.Length)..])];
    }

    /// <summary>The initramfs with this farm's settings in it, where nobody who boots it can put others; settings it had are gone.</summary>
    public static byte[] WithFarm(ReadOnlyMemory<byte> initramfs, ReadOnlySpan<byte> settings)
    {
        MemoryStream sealedOne = new();
        int frame = FrameLength(initramfs);
        sealedOne.Write(initramfs[..frame].Span);
        sealedOne.SetLength(Aligned(frame));
        sealedOne.Position = sealedOne.Length;
        CpioWriter cpio = new(sealedOne, DateTimeOffset.UnixEpoch);
        cpio.AddDirectory(Path.GetDirectoryName(FarmSettings.SealedPath)!, 0x16D); // 0555
        cpio.AddFile(FarmSettings.SealedPath, 0x124, settings); // 0444
        cpio.Finish();
        return sealedOne.ToArray();
    }

    private static int Aligned(int length) => (length + Alignment - 1) / Alignment * Alignment;

    private static int FrameLength(ReadOnlyMemory<byte> initramfs) => ZstdLibrary.FrameLength(initramfs.Span) is int length and > 0 ? length
        : throw new InvalidDataException("the initramfs of this image does not begin with a zstd frame; it is not an image of ours");
}
