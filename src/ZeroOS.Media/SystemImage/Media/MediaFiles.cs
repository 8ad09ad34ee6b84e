namespace ZeroOS.Media.SystemImage.Media;

/// <summary>Names in an image's folder and on its media: what one program writes and another finds.</summary>
internal static class MediaFiles
{
    /// <summary>The whole system in one file for UEFI firmware.</summary>
    public const string Efi = "zeroos.efi";

    /// <summary>The kernel, and what it starts: for BIOS, iPXE, QEMU.</summary>
    public const string Kernel = "vmlinuz", Initramfs = "initramfs.cpio.zst";

    /// <summary>The certificate of the key that signed the EFI file, as firmware's setup takes it (DER); only with an image that is signed.</summary>
    public const string Certificate = "secure-boot.cer";

    /// <summary>The farm settings as an archive that a boot loader puts behind the initramfs.</summary>
    public const string FarmArchive = "farm.cpio";

    /// <summary>A whole disk, a CD that is also a disk, and the folder for booting from the network.</summary>
    public const string Disk = "zeroos.img", Iso = "zeroos.iso", Netboot = "netboot";

    /// <summary>
    /// On a system partition: what firmware starts, and the settings beside it, which the file's stub hands to the node and measures (PCR 12).
    /// </summary>
    public const string BootEfi = "EFI/BOOT/BOOTX64.EFI", BootSettings = BootEfi + ".extra.d/farm.cred";

    /// <summary>Folders of the packaged boot loaders for BIOS, on a disk and on a CD.</summary>
    public const string Syslinux = "syslinux", Isolinux = "isolinux";

    /// <summary>The label of the system partition and of the CD.</summary>
    public const string Label = "ZEROOS";
}
