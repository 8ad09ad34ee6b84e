using System.Globalization;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Zstd;
using ZeroOS.Media.SystemImage.Media;
using ZeroOS.Media.SystemImage.Sbom;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Media.SystemImage;

/// <summary>
/// Puts the system image together from built parts: the initramfs that image/manifest lists, and one EFI file of systemd's stub, kernel, initramfs, command
/// line and release description. The same parts and keys give the same bytes. Parts directory: zeroos, zvmm, zguest, zos, each with its .assets.json,
/// guest-vmlinux, host-bzImage, stub.efi, ca-certificates.crt, templates/, debian-versions.
/// </summary>
public sealed class ImageBuilder(string repository, string parts, string output)
{
    /// <summary>Characters of a command line that an x86 kernel keeps: COMMAND_LINE_SIZE, less the zero at its end.</summary>
    private const int MaxCommandLine = 2047;

    /// <summary>The version the image says it is, three numbers.</summary>
    public required string Version { get; init; }

    /// <summary>The file with the key ids whose signatures make a release; image/release-keys of the repository if null.</summary>
    public string? ReleaseKeys { get; init; }

    /// <summary>
    /// A console for kernel messages besides the screen, as the kernel's console= takes it (ttyS0,115200); none if null, for a line that is not there costs
    /// minutes.
    /// </summary>
    public string? Console { get; init; }

    /// <summary>More words for the kernel's command line, printable ASCII; none if null.</summary>
    public string? Append { get; init; }

    /// <summary>All times in the archives, and the time before which a node's clock never is: that of the sources.</summary>
    private readonly DateTimeOffset _time = SourceDate.OfEnvironment();

    /// <summary>Compress less: larger, and made in seconds.</summary>
    public bool Quick { get; init; }

    /// <summary>What the EFI file and its PCR 11 are signed with; nothing by default.</summary>
    internal SigningKeys Keys { get; init; } = SigningKeys.None;

    /// <summary>
    /// Writes vmlinuz, initramfs.cpio.zst, zeroos.efi, its measurements and its bill of materials into the output directory, and its signer's certificate when
    /// it is signed; returns the sizes in bytes of the former.
    /// </summary>
    /// <exception cref="IOException">A part is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">The command line is longer than the kernel takes, or not printable ASCII.</exception>
    public IReadOnlyList<(string File, long Bytes)> Build()
    {
        byte[] kernel = ReadPart("host-bzImage");
        // What a running node says it is: the hash of its kernel and of everything else in its initramfs.
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData([.. kernel, .. Pack("image/manifest", digest: "")]));
        byte[] initramfs = Compress(Pack("image/manifest", digest));
        byte[] release = Encoding.UTF8.GetBytes(File.ReadAllText(Path.Combine(repository, "image/os-release"))
            .Replace("@VERSION@", Version, StringComparison.Ordinal));
        BootImage image = BootImage.Make(ReadPart("stub.efi"),
        [
            (".osrel", release),
            (".cmdline", CommandLine()),
            (".initrd", initramfs),
            (".linux", kernel),
        ], Keys, Version, digest);
        Directory.CreateDirectory(output);
        string certificate = Path.Combine(output, MediaFiles.Certificate);
        if (Keys.SignsFile)
            File.WriteAllBytes(certificate, Keys.Certificate);
        else
            File.Delete(certificate); // an earlier image's
        return
        [
            Write("vmlinuz", kernel), Write("initramfs.cpio.zst", initramfs), Write("zeroos.efi", image.Efi),
            Write("measurements.json", image.MeasurementsJson()), Write("zeroos.spdx.json", Bill(image.Efi)),
        ];
    }

    /// <summary>
    /// The bill of materials: what image/components lists, with the versions installed here, and the NuGet packages of all programs, zos among them.
    /// </summary>
    private byte[] Bill(ReadOnlySpan<byte> efi)
    {
        BillOfMaterials bill = new(Version, efi);
        foreach (string program in (string[])["zeroos", "zvmm", "zguest", "zos"])
            bill.AddProgram(program, ReadPart(program), inImage: program != "zos", ProgramAssets.Read(ReadPart(program + ".assets.json"), program));
        foreach (ImageComponent component in ImageComponents.Read(File.ReadAllText(Path.Combine(repository, "image/components")),
            Encoding.UTF8.GetString(ReadPart("debian-versions"))))
            bill.AddComponent(component);
        return bill.ToJson(_time);
    }

    private byte[] CommandLine()
    {
        string line = File.ReadAllText(Path.Combine(repository, "image/cmdline")).Trim()
            + (Console is null ? "" : " console=tty0 console=" + Console) + (Append is null ? "" : " " + Append);
        if (line.Any(c => c is < ' ' or > '~'))
            throw new InvalidDataException($"the kernel's command line has characters that are not printable ASCII: {line}");
        if (line.Length > MaxCommandLine)
            throw new InvalidDataException($"the kernel's command line has {line.Length} characters; it keeps no more than {MaxCommandLine}");
        return Encoding.ASCII.GetBytes(line);
    }

    /// <summary>The cpio archive a manifest describes, uncompressed.</summary>
    internal byte[] Pack(string manifest, string digest)
    {
        MemoryStream archive = new();
        CpioWriter cpio = new(archive, _time);
        foreach (ManifestEntry entry in ImageManifest.Parse(File.ReadAllText(Path.Combine(repository, manifest)), manifest))
        {
            string[] source = entry.Source.Split(':');
            switch (source)
            {
                case ["dir"]:
                    cpio.AddDirectory(entry.Path, entry.Permissions);
                    break;
                case ["char", string major, string minor]:
                    cpio.AddCharacterDevice(entry.Path, entry.Permissions, uint.Parse(major, CultureInfo.InvariantCulture),
                        uint.Parse(minor, CultureInfo.InvariantCulture));
                    break;
                case ["repo", string file]:
                    cpio.AddFile(entry.Path, entry.Permissions, File.ReadAllBytes(Path.Combine(repository, file)));
                    break;
                case ["cpio", string nested]:
                    cpio.AddFile(entry.Path, entry.Permissions, Pack(nested, digest));
                    break;
                case ["release"]:
                    cpio.AddFile(entry.Path, entry.Permissions,
                        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{digest}\n{_time:yyyy-MM-ddTHH:mm:ssZ}\n{Version}\n")));
                    break;
                case ["release-keys"]:
                    cpio.AddFile(entry.Path, entry.Permissions, File.ReadAllBytes(ReleaseKeys ?? Path.Combine(repository, "image/release-keys")));
                    break;
                case [string part]:
                    cpio.AddFile(entry.Path, entry.Permissions, ReadPart(part));
                    break;
                default:
                    throw new InvalidDataException($"{manifest}: {entry.Path}: unknown source {entry.Source}");
            }
        }
        cpio.Finish();
        return archive.ToArray();
    }

    /// <summary>
    /// 128 MiB, the largest window the kernel's decompressor takes: the programs are megabytes apart and have their runtime and libraries in common.
    /// </summary>
    private const int Window = 27;

    private byte[] Compress(byte[] archive)
    {
        using ZstdCompressor zstd = new(level: Quick ? 6 : 22, Window);
        byte[] stored = new byte[ZstdLibrary.CompressBound(archive.Length)];
        return stored[..zstd.Compress(archive, stored)];
    }

    private byte[] ReadPart(string name)
    {
        string path = Path.Combine(parts, name);
        return File.Exists(path) ? File.ReadAllBytes(path)
            : throw new FileNotFoundException($"the image needs the part {name}, and {path} is not there; \"make image\" builds all parts");
    }

    private (string File, long Bytes) Write(string name, byte[] content)
    {
        string path = Path.Combine(output, name);
        File.WriteAllBytes(path, content);
        return (name, content.Length);
    }
}
