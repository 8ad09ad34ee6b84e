using System.Diagnostics;
using System.Globalization;

using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;

namespace ZeroOS.Media.SystemImage.Media;

/// <summary>
/// zeroos.iso, by xorriso: a CD that UEFI starts by a FAT image in it and BIOS by isolinux, and the same bytes on a stick, where the FAT image is a partition.
/// Files of the CD's own file system are for BIOS alone.
/// </summary>
internal static class IsoMedium
{
    /// <summary>Room in the FAT image for settings beside the EFI file, and for what FAT itself needs.</summary>
    private const long Room = 1 << 20;

    /// <summary>With clusters of one sector FAT32 begins at 33 MiB.</summary>
    private const long LeastSystemBytes = 34 << 20;

    /// <summary>Writes the image; <paramref name="scratch"/> is a folder for what goes into it, and is removed.</summary>
    /// <exception cref="MediaException">xorriso is not installed or does not do it.</exception>
    public static void Write(string path, MediaSource source, MediaParts parts, string scratch)
    {
        if (Directory.Exists(scratch))
            Directory.Delete(scratch, recursive: true);
        string tree = Path.Combine(scratch, "tree"), loader = Path.Combine(tree, MediaFiles.Isolinux), system = Path.Combine(scratch, "system.fat");
        Directory.CreateDirectory(loader);
        try
        {
            File.Copy(parts.Isolinux, Path.Combine(loader, "isolinux.bin"));
            File.Copy(parts.Module, Path.Combine(loader, "ldlinux.c32"));
            File.WriteAllBytes(Path.Combine(loader, "isolinux.cfg"), source.LoaderConfiguration());
            File.CreateSymbolicLink(Path.Combine(loader, MediaFiles.Kernel), Path.GetFullPath(source.Kernel));
            File.CreateSymbolicLink(Path.Combine(loader, MediaFiles.Initramfs), Path.GetFullPath(source.Initramfs));
            File.WriteAllBytes(Path.Combine(loader, MediaFiles.FarmArchive), FarmArchive.Pack(default));
            WriteSystemPartition(system, source);
            File.Delete(path);
            Run(Arguments(path, source, parts, tree, system));
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static void WriteSystemPartition(string path, MediaSource source)
    {
        IReadOnlyList<FatFile> files = source.FirmwareFiles;
        long bytes = Math.Max(LeastSystemBytes, (files.Sum(f => f.Size) + Room) / Room * Room + (2 * Room));
        using FileStream volume = new(path, FileMode.Create, FileAccess.ReadWrite);
        volume.SetLength(bytes);
        FatWriter.Write(volume, FatGeometry.Plan(bytes, clusterSectors: 1, hiddenSectors: 0),
            new FatIdentity(MediaFiles.Label, source.Serial("iso partition"), source.Time, default), files);
    }

    private static string[] Arguments(string path, MediaSource source, MediaParts parts, string tree, string system)
    {
        string time = source.Time.UtcDateTime.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture) + "00";
        return
        [
            "-as", "mkisofs", "-quiet", "-o", path, "-V", MediaFiles.Label, "-A", MediaFiles.Label,
            "-iso-level", "3", "-r", "-f", // names, root's files, links followed
            "--modification-date=" + time, "--set_all_file_dates", time,
            "--gpt_disk_guid", Convert.ToHexString(DerivedGuid.Of("iso", source.Seed).ToByteArray()), // nothing of now
            "-b", MediaFiles.Isolinux + "/isolinux.bin", "-c", MediaFiles.Isolinux + "/boot.cat",
            "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", // BIOS, from a CD
            "-isohybrid-mbr", parts.IsoMbr, "--mbr-force-bootable", "-partition_offset", "16", // BIOS, from a stick
            "-append_partition", "2", GptPartition.EfiSystem.ToString(), system, "-appended_part_as_gpt", // UEFI, from a stick
            "-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot", // UEFI, from a CD: the same partition
            tree,
        ];
    }

    private static void Run(string[] arguments)
    {
        try
        {
            using Process xorriso = Process.Start(new ProcessStartInfo("xorriso", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = xorriso.StandardOutput.ReadToEndAsync();
            string error = xorriso.StandardError.ReadToEnd();
            xorriso.WaitForExit();
            if (xorriso.ExitCode != 0)
                throw new MediaException($"xorriso could not make the ISO image ({xorriso.ExitCode}): {error.Trim()} {output.Result.Trim()}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new MediaException($"the ISO image is made by xorriso, which does not start ({e.Message}); install the package xorriso");
        }
    }
}
