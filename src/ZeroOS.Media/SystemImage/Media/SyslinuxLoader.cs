using ZeroOS.Formats.Fat;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>
/// Debian's boot loader for BIOS as its own installer put it into an empty volume (scripts/bootloaders). The installer writes the sectors of ldlinux.sys into
/// the boot sector and into the file itself; so both are right in every volume of the same geometry in which the file lies at the same place.
/// </summary>
/// <param name="BootSector">The volume's first sector.</param>
/// <param name="System">ldlinux.sys.</param>
/// <param name="Place">Where the file lies.</param>
/// <param name="Geometry">The volume's.</param>
internal sealed record SyslinuxLoader(byte[] BootSector, byte[] System, FatEntry Place, FatGeometry Geometry)
{
    public const string SystemFile = MediaFiles.Syslinux + "/ldlinux.sys";

    private const int MaxBytes = 1 << 20;

    /// <summary>Takes the loader out of the volume it was installed into.</summary>
    /// <exception cref="InvalidDataException">There is none in it.</exception>
    public static SyslinuxLoader Read(Stream volume)
    {
        FatReader reader = new(volume);
        FatEntry place = reader.Find(SystemFile) ?? throw new InvalidDataException($"no {SystemFile} in the volume that syslinux was installed into");
        return new SyslinuxLoader(reader.Identity.BootSector.ToArray(), reader.ReadAll(place, MaxBytes), place, reader.Geometry);
    }

    /// <summary>Fails unless the loader would find itself in a volume.</summary>
    /// <exception cref="InvalidDataException">It lies elsewhere, or the volume has other dimensions.</exception>
    public void CheckIn(FatReader volume)
    {
        bool sameSectors = (volume.Geometry.FirstDataSector, volume.Geometry.ClusterSectors) == (Geometry.FirstDataSector, Geometry.ClusterSectors);
        if (!sameSectors || volume.Find(SystemFile) is not { } file || (file.FirstCluster, file.Size) != (Place.FirstCluster, Place.Size))
            throw new InvalidDataException($"{SystemFile} is not where its installer put it: the image would not start from BIOS");
    }
}
