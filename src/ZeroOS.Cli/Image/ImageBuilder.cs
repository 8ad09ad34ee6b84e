using System.Globalization;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Flist.Compression;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Cli.Image;

/// <summary>
/// Puts the bootable image together from built parts: the initramfs that image/manifest lists, and one EFI file of systemd's stub, kernel, initramfs, command
/// line and release description. The same parts give the same bytes. Parts directory: zeroos, zvmm, zguest, guest-vmlinux, host-bzImage, stub.efi,
/// ca-certificates.crt, templates/.
/// </summary>
public sealed class ImageBuilder(string repository, string parts, string output)
{
    /// <summary>All times in the archives, and the time before which a node's clock never is: that of the sources (SOURCE_DATE_EPOCH), not the moment of the build.</summary>
    private readonly DateTimeOffset _time = long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
        ? DateTimeOffset.FromUnixTimeSeconds(seconds) : new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes vmlinuz, initramfs.cpio.zst and zeroos.efi into the output directory; returns their sizes in bytes.</summary>
    /// <exception cref="IOException">A part is missing; the message names it.</exception>
    public IReadOnlyList<(string File, long Bytes)> Build(string version)
    {
        byte[] kernel = ReadPart("host-bzImage");
        // What a running node says it is: the hash of its kernel and of everything else in its initramfs.
        string digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData([.. kernel, .. Pack("image/manifest", digest: "")]));
        byte[] initramfs = Compress(Pack("image/manifest", digest));
        byte[] release = Encoding.UTF8.GetBytes(File.ReadAllText(Path.Combine(repository, "image/os-release")).Replace("@VERSION@", version, StringComparison.Ordinal));
        byte[] image = UnifiedKernelImage.Assemble(ReadPart("stub.efi"),
        [
            (".osrel", release),
            (".cmdline", File.ReadAllBytes(Path.Combine(repository, "image/cmdline"))),
            (".initrd", initramfs),
            (".linux", kernel),
        ]);
        Directory.CreateDirectory(output);
        return [Write("vmlinuz", kernel), Write("initramfs.cpio.zst", initramfs), Write("zeroos.efi", image)];
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
                    cpio.AddCharacterDevice(entry.Path, entry.Permissions, uint.Parse(major, CultureInfo.InvariantCulture), uint.Parse(minor, CultureInfo.InvariantCulture));
                    break;
                case ["repo", string file]:
                    cpio.AddFile(entry.Path, entry.Permissions, File.ReadAllBytes(Path.Combine(repository, file)));
                    break;
                case ["cpio", string nested]:
                    cpio.AddFile(entry.Path, entry.Permissions, Pack(nested, digest));
                    break;
                case ["digest"]:
                    cpio.AddFile(entry.Path, entry.Permissions, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{digest}\n{_time:yyyy-MM-ddTHH:mm:ssZ}\n")));
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

    /// <summary>128 MiB, the largest window the kernel's decompressor takes: the programs are megabytes apart and have their runtime and libraries in common.</summary>
    private const int Window = 27;

    private static byte[] Compress(byte[] archive)
    {
        using ZstdCompressor zstd = new(level: 22, Window);
        byte[] stored = new byte[Zstd.CompressBound(archive.Length)];
        return stored[..zstd.Compress(archive, stored)];
    }

    private byte[] ReadPart(string name)
    {
        string path = Path.Combine(parts, name);
        return File.Exists(path) ? File.ReadAllBytes(path) : throw new FileNotFoundException($"the image needs the part {name}, and {path} is not there; \"make image\" builds all parts");
    }

    private (string File, long Bytes) Write(string name, byte[] content)
    {
        string path = Path.Combine(output, name);
        File.WriteAllBytes(path, content);
        return (name, content.Length);
    }
}
