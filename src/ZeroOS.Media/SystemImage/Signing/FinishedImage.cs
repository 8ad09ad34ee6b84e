using System.Globalization;
using System.Text;

using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Media.SystemImage.Signing;

/// <summary>An EFI file that somebody has built, taken apart to be signed anew or made into one farm's own.</summary>
internal sealed class FinishedImage
{
    private const string Initrd = ".initrd";

    private readonly byte[] _efi, _stub;
    private readonly IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> _sections;

    private FinishedImage(byte[] efi)
    {
        _efi = efi;
        (_stub, _sections) = UnifiedKernelImage.Disassemble(efi);
        CpioEntry? release = Initramfs.Read(Section(Initrd)).LastOrDefault(e => e.Path == "/release");
        string[] lines = release is null ? [] : Encoding.UTF8.GetString(release.Content.Span).Split('\n');
        if (lines.Length < 3)
            throw new InvalidDataException("the initramfs of this image does not say which release it is; it is not an image of ours");
        (Digest, Made, Version) = (lines[0], DateTimeOffset.Parse(lines[1], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal), lines[2]);
    }

    /// <summary>Hash of kernel and initramfs, "sha256:" and hex: what a running node says it is.</summary>
    public string Digest { get; }

    /// <summary>The time of its sources.</summary>
    public DateTimeOffset Made { get; }

    /// <summary>Its version.</summary>
    public string Version { get; }

    /// <summary>Whether it carries a signed PCR policy.</summary>
    public bool HasPolicy => !Section(".pcrsig").IsEmpty;

    /// <summary>Reads a file.</summary>
    /// <exception cref="MediaException">It is not there.</exception>
    /// <exception cref="InvalidDataException">Not an image of ours.</exception>
    public static FinishedImage Open(string path)
    {
        const long MaxBytes = 1 << 30;
        if (!File.Exists(path))
            throw new MediaException($"{path} is not there");
        if (new FileInfo(path).Length > MaxBytes)
            throw new MediaException($"{path} is larger than an image can be");
        try
        {
            return new FinishedImage(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>
    /// The same image with another signature. Its signed PCR policy stays, for the PCR stays; with a PCR key of one's own, it is signed by that one instead.
    /// </summary>
    public BootImage Sign(SigningKeys keys) => keys.SignsPcr
        ? BootImage.Make(_stub, WithoutPolicy(), keys, Version, Digest)
        : BootImage.Measure(keys.Sign(_efi), Version, Digest);

    /// <summary>
    /// The image with a farm's settings inside the initramfs. PCR 11 becomes another one, so that the old policy goes; a PCR key makes a new one.
    /// </summary>
    public BootImage Seal(ReadOnlySpan<byte> settings, SigningKeys keys)
    {
        byte[] initramfs = Initramfs.WithFarm(Section(Initrd), settings);
        return BootImage.Make(_stub, [.. WithoutPolicy().Select(s => s.Name == Initrd ? (s.Name, initramfs) : s)], keys, Version, Digest);
    }

    private List<(string Name, ReadOnlyMemory<byte> Content)> WithoutPolicy() => [.. _sections.Where(s => s.Name is not (".pcrpkey" or ".pcrsig"))];

    private ReadOnlyMemory<byte> Section(string name) => _sections.FirstOrDefault(s => s.Name == name).Content;
}
