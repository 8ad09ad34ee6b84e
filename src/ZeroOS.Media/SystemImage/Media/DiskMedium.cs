using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Streams;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>
/// zeroos.img, a whole disk: one system partition for UEFI, with room for a second version beside the first, which BIOS starts too, by the loader in the MBR
/// and syslinux in the partition. Written without root and without devices; sparse.
/// </summary>
internal static class DiskMedium
{
    private const long Alignment = 1 << 20, SystemBytes = 136 << 20;
    private const int ClusterSectors = 4;

    public static void Write(string path, MediaSource source, MediaParts parts)
    {
        SyslinuxLoader loader = parts.Syslinux();
        GptPartition system = new(GptPartition.EfiSystem, DerivedGuid.Of("system partition", source.Seed), Alignment / GptTable.SectorBytes,
            ((Alignment + SystemBytes) / GptTable.SectorBytes) - 1, GptPartition.LegacyBootable, "ZeroOS");
        long bytes = Alignment + SystemBytes + Alignment;
        using FileStream disk = new(path, FileMode.Create, FileAccess.ReadWrite);
        disk.SetLength(bytes);
        new GptTable(DerivedGuid.Of("disk", source.Seed), bytes / GptTable.SectorBytes, [system]).Write(disk, parts.DiskMbr);
        using SubStream volume = system.Open(disk);
        FatGeometry geometry = FatGeometry.Plan(SystemBytes, ClusterSectors, system.FirstSector);
        FatIdentity identity = new(MediaFiles.Label, source.Serial("system partition"), source.Time, loader.BootSector);
        FatWriter.Write(volume, geometry, identity,
        [
            FatFile.Of(SyslinuxLoader.SystemFile, loader.System), // first: it must lie where the installer put it
            FatFile.Copy(MediaFiles.Syslinux + "/ldlinux.c32", parts.Module),
            FatFile.Of(MediaFiles.Syslinux + "/syslinux.cfg", source.LoaderConfiguration()),
            .. source.FirmwareFiles,
            FatFile.Copy($"{MediaFiles.Syslinux}/{MediaFiles.Kernel}", source.Kernel),
            FatFile.Copy($"{MediaFiles.Syslinux}/{MediaFiles.Initramfs}", source.Initramfs),
            FatFile.Of($"{MediaFiles.Syslinux}/{MediaFiles.FarmArchive}", FarmArchive.Pack(default)),
        ]);
        loader.CheckIn(new FatReader(volume));
    }
}
