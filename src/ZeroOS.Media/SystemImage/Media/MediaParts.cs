namespace ZeroOS.Media.SystemImage.Media;

/// <summary>The packaged boot loaders for BIOS, as scripts/bootloaders collects them.</summary>
internal sealed class MediaParts(string folder)
{
    /// <summary>For the MBR of a disk with a GUID partition table.</summary>
    public byte[] DiskMbr => Read("gptmbr.bin");

    /// <summary>For the MBR of a CD image that is written to a stick.</summary>
    public string IsoMbr => Find("isohdpfx.bin");

    /// <summary>What a BIOS loads from a CD.</summary>
    public string Isolinux => Find("isolinux.bin");

    /// <summary>What a BIOS network card loads; it fetches by the card's own driver, by TFTP or HTTP.</summary>
    public string Pxelinux => Find("pxelinux.0");

    /// <summary>The second half of all three.</summary>
    public string Module => Find("ldlinux.c32");

    /// <summary>The loader of a disk.</summary>
    public SyslinuxLoader Syslinux()
    {
        using FileStream volume = File.OpenRead(Find("syslinux.fat"));
        return SyslinuxLoader.Read(volume);
    }

    private byte[] Read(string name) => File.ReadAllBytes(Find(name));

    private string Find(string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? path
            : throw new FileNotFoundException($"the media need the boot loader {name}, and {path} is not there; \"make image\" collects all parts");
    }
}
