using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>What all media of an image are made of: the files in its folder, and facts derived from them.</summary>
internal sealed class MediaSource
{
    /// <summary>Looks at the folder that zeroos.efi, vmlinuz and initramfs.cpio.zst are in.</summary>
    /// <exception cref="IOException">One is missing.</exception>
    /// <exception cref="InvalidDataException">The EFI file is none, or has no command line.</exception>
    public MediaSource(string folder, DateTimeOffset time)
    {
        (Folder, Time) = (folder, time);
        byte[] efi = File.ReadAllBytes(Efi);
        Seed = Convert.ToHexStringLower(SHA256.HashData(efi));
        ReadOnlyMemory<byte> commandLine = UnifiedKernelImage.Section(efi, ".cmdline");
        CommandLine = Encoding.ASCII.GetString(commandLine.Span).TrimEnd('\0', '\n', ' ');
        // One that spanned lines would be something else to a boot loader.
        if (CommandLine.Length == 0 || CommandLine.Any(char.IsControl))
            throw new InvalidDataException($"{Efi} has no command line in it");
    }

    public string Folder { get; }

    /// <summary>The time of everything on the media.</summary>
    public DateTimeOffset Time { get; }

    /// <summary>What identifiers on the media are derived from: the hash of the EFI file.</summary>
    public string Seed { get; }

    /// <summary>The kernel's command line as it is in the EFI file, for boot loaders that start the kernel themselves.</summary>
    public string CommandLine { get; }

    /// <summary>What a system partition for UEFI holds: what firmware starts, and the certificate that its setup can enrol from there.</summary>
    public IReadOnlyList<FatFile> FirmwareFiles => File.Exists(In(MediaFiles.Certificate))
        ? [FatFile.Copy(MediaFiles.BootEfi, Efi), FatFile.Copy(MediaFiles.Certificate, In(MediaFiles.Certificate))] : [FatFile.Copy(MediaFiles.BootEfi, Efi)];

    public string Efi => In(MediaFiles.Efi);

    public string Kernel => In(MediaFiles.Kernel);

    public string Initramfs => In(MediaFiles.Initramfs);

    /// <summary>The serial number of a FAT volume.</summary>
    public uint Serial(string purpose) => BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(purpose + "\0" + Seed)));

    /// <summary>A path in the folder.</summary>
    public string In(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>What syslinux, isolinux and pxelinux do, in their words: start it, and ask nobody.</summary>
    /// <param name="more">More words for the kernel's command line.</param>
    public byte[] LoaderConfiguration(string more = "") => Encoding.ASCII.GetBytes($"""
        DEFAULT zeroos
        PROMPT 0
        NOESCAPE 1
        LABEL zeroos
          LINUX {MediaFiles.Kernel}
          INITRD {MediaFiles.Initramfs},{MediaFiles.FarmArchive}
          APPEND {CommandLine}{more}

        """);
}
