using System.Security.Cryptography;
using System.Text;

using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Media.SystemImage.Inspect;

/// <summary>What an EFI file of ZeroOS says of itself.</summary>
/// <param name="Path">Where it is: a file, or a path on a medium.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its hash, hex.</param>
/// <param name="Version">The version in its release description; null if it has none.</param>
/// <param name="ImageDigest">What a node that runs it says it is: /release in its initramfs; null if there is none.</param>
/// <param name="SourceTime">The time of the sources it was built from, from the same place.</param>
/// <param name="CommandLine">The kernel's.</param>
/// <param name="Signed">Whether it carries a signature for Secure Boot that is its own; whose is another question.</param>
/// <param name="Trust">Signatures and measurements; null of a file that is broken.</param>
/// <param name="Sealed">The farm settings inside, of an image made for one farm; null of a release.</param>
internal sealed record EfiFacts(string Path, long Bytes, string Sha256, string? Version, string? ImageDigest, string? SourceTime, string CommandLine,
    bool Signed, TrustFacts? Trust, SettingsFacts? Sealed)
{
    /// <summary>No EFI file of ours is as long.</summary>
    public const int MaxBytes = 256 << 20;

    /// <summary>Reads one.</summary>
    /// <exception cref="InvalidDataException">Not a unified kernel image.</exception>
    public static EfiFacts Read(string path, ReadOnlyMemory<byte> file)
    {
        if (UnifiedKernelImage.Section(file, ".linux").IsEmpty)
            throw new InvalidDataException($"{path}: an EFI file, but no system: it has no kernel in it");
        string description = Encoding.UTF8.GetString(UnifiedKernelImage.Section(file, ".osrel").Span);
        string? version = description.Split('\n').FirstOrDefault(l => l.StartsWith("VERSION_ID=", StringComparison.Ordinal))?["VERSION_ID=".Length..].Trim('"');
        IReadOnlyList<CpioEntry> initramfs = Initramfs(UnifiedKernelImage.Section(file, ".initrd"));
        string[] release = initramfs.FirstOrDefault(e => e.Path == "/release") is CpioEntry lines
            ? Encoding.ASCII.GetString(lines.Content.Span).Split('\n') : [];
        CpioEntry? settings = initramfs.LastOrDefault(e => e.Path == FarmSettings.SealedPath);
        TrustFacts? trust = Trusted(file);
        return new EfiFacts(path, file.Length, Convert.ToHexStringLower(SHA256.HashData(file.Span)), version, release.ElementAtOrDefault(0),
            release.ElementAtOrDefault(1), Encoding.UTF8.GetString(UnifiedKernelImage.Section(file, ".cmdline").Span).TrimEnd('\0', '\n'),
            trust?.Signatures.Any(s => s.Valid) ?? false, trust, settings is null ? null : SettingsFacts.Read(settings.Path, settings.Content.Span));
    }

    private static IReadOnlyList<CpioEntry> Initramfs(ReadOnlyMemory<byte> initramfs)
    {
        try
        {
            return Signing.Initramfs.Read(initramfs);
        }
        catch (InvalidDataException)
        {
            return []; // an initramfs of another kind says nothing
        }
    }

    private static TrustFacts? Trusted(ReadOnlyMemory<byte> file)
    {
        try
        {
            return TrustFacts.Read(file);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
