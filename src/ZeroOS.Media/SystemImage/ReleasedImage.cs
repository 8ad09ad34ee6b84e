using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Release;
using ZeroOS.Flist;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Pe;
using ZeroOS.Formats.Zstd;

namespace ZeroOS.Media.SystemImage;

/// <summary>What an image's folder says of itself, read from the EFI file, which is what runs; a file of another build beside it is an error.</summary>
/// <param name="Efi">The EFI file.</param>
/// <param name="Version">Its version.</param>
/// <param name="ImageDigest">What a node that runs it says it is.</param>
/// <param name="MeasurementsDigest">Digest of measurements.json; null without one.</param>
public sealed record ReleasedImage(byte[] Efi, string Version, string ImageDigest, string? MeasurementsDigest)
{
    /// <summary>The EFI file's name in the folder.</summary>
    public const string EfiFile = "zeroos.efi";

    private const string MeasurementsFile = "measurements.json";
    private const int MaxInitramfs = 512 << 20;

    /// <summary>Reads a folder.</summary>
    /// <exception cref="InvalidDataException">It holds no image of ZeroOS, or parts of two.</exception>
    public static ReleasedImage Read(string folder)
    {
        byte[] efi = File.ReadAllBytes(Path.Combine(folder, EfiFile));
        string[] release = Release(efi);
        string? measured = null;
        string measurements = Path.Combine(folder, MeasurementsFile);
        if (File.Exists(measurements))
        {
            byte[] bytes = File.ReadAllBytes(measurements);
            Measurements? said = JsonSerializer.Deserialize(bytes, ReleaseJson.Default.Measurements);
            if (said?.ImageDigest != release[0] || said.Efi.Sha256 != Sha256Digest.Of(efi).Hex)
                throw new InvalidDataException($"{measurements} belongs to another image than {EfiFile} beside it");
            measured = Sha256Digest.Of(bytes).ToString();
        }
        return new ReleasedImage(efi, release[2], release[0], measured);
    }

    /// <summary>The lines of /release in the initramfs.</summary>
    private static string[] Release(byte[] efi)
    {
        ReadOnlyMemory<byte> stored = UnifiedKernelImage.Section(efi, ".initrd");
        byte[] plain = new byte[PlainSize(stored.Span)];
        using ZstdDecompressor zstd = new();
        if (!zstd.TryDecompress(stored.Span, plain))
            throw new InvalidDataException("the initramfs in the EFI file cannot be decompressed");
        CpioEntry? release = CpioReader.Read(plain).FirstOrDefault(e => e.Path == "/release");
        string[] lines = release is null ? [] : Encoding.ASCII.GetString(release.Content.Span).Split('\n');
        return lines.Length >= 3 ? lines : throw new InvalidDataException("the EFI file's initramfs does not say what it is: no /release");
    }

    /// <summary>The plain size in a zstd frame's header (RFC 8878, 3.1.1.1), which our own builder always writes.</summary>
    private static int PlainSize(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 14 || BinaryPrimitives.ReadUInt32LittleEndian(frame) != 0xFD2FB528)
            throw new InvalidDataException("the EFI file holds no initramfs of ours");
        byte descriptor = frame[4];
        bool single = (descriptor & 0x20) != 0;
        int at = 5 + (single ? 0 : 1) + ((descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 });
        ulong size = (descriptor >> 6) switch
        {
            0 when single => frame[at],
            1 => BinaryPrimitives.ReadUInt16LittleEndian(frame[at..]) + 256u,
            2 => BinaryPrimitives.ReadUInt32LittleEndian(frame[at..]),
            3 => BinaryPrimitives.ReadUInt64LittleEndian(frame[at..]),
            _ => 0,
        };
        return size is > 0 and <= MaxInitramfs ? (int)size : throw new InvalidDataException("the initramfs in the EFI file does not say how large it is");
    }
}
