using System.Text;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>
/// netboot/, what a computer that boots from the network loads: the EFI file for UEFI (PXE and HTTP), pxelinux with kernel and initramfs for BIOS, a script for
/// iPXE. "zos image serve" serves it; so does any TFTP and HTTP server.
/// </summary>
internal static class NetbootFolder
{
    private const string Script = "zeroos.ipxe";

    /// <summary>
    /// Says to a node that was started without systemd's stub that its files came over the network, so that an update is to restart into what the server has.
    /// The EFI file knows by itself, and options given to it would be measured.
    /// </summary>
    private const string FromNetwork = "zeroos.boot=network";

    public static void Write(string folder, MediaSource source, MediaParts parts)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(Path.Combine(folder, "pxelinux.cfg"));
        File.Copy(source.Efi, Path.Combine(folder, MediaFiles.Efi));
        File.Copy(source.Kernel, Path.Combine(folder, MediaFiles.Kernel));
        File.Copy(source.Initramfs, Path.Combine(folder, MediaFiles.Initramfs));
        File.Copy(parts.Pxelinux, Path.Combine(folder, "pxelinux.0"));
        File.Copy(parts.Module, Path.Combine(folder, "ldlinux.c32"));
        File.WriteAllBytes(Path.Combine(folder, "pxelinux.cfg", "default"), source.LoaderConfiguration(" " + FromNetwork));
        WriteSettings(folder, source.CommandLine, default);
    }

    /// <summary>Writes what differs with the settings: their archive and the script.</summary>
    public static void WriteSettings(string folder, string commandLine, ReadOnlySpan<byte> document)
    {
        File.WriteAllBytes(Path.Combine(folder, MediaFiles.FarmArchive), FarmArchive.Pack(document));
        File.WriteAllBytes(Path.Combine(folder, Script), ScriptFor(commandLine, !document.IsEmpty));
    }

    /// <summary>
    /// What iPXE does. Under UEFI the EFI file is measured and may be signed, but takes no settings from the network: with settings the kernel is started with
    /// them instead, and the EFI file only where Secure Boot refuses that.
    /// </summary>
    internal static byte[] ScriptFor(string commandLine, bool settings) => Encoding.ASCII.GetBytes($$"""
        #!ipxe
        iseq ${platform} efi && goto efi || goto kernel
        :efi
        {{(settings ? "goto kernel" : "goto image")}}
        :kernel
        echo ZeroOS: loading the kernel
        kernel {{MediaFiles.Kernel}} initrd={{MediaFiles.Initramfs}} initrd={{MediaFiles.FarmArchive}} {{commandLine}} {{FromNetwork}} || goto refused
        initrd {{MediaFiles.Initramfs}} || goto failed
        initrd {{MediaFiles.FarmArchive}} || goto failed
        boot || goto refused
        :refused
        iseq ${platform} efi || goto failed
        imgfree
        :image
        echo ZeroOS: loading the EFI file
        chain {{MediaFiles.Efi}} {{commandLine}} || goto failed
        :failed
        echo ZeroOS could not be loaded; the next attempt is in 10 seconds
        sleep 10
        chain {{Script}}

        """);
}
