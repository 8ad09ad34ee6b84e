using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Streams;
using ZeroOS.Tests.Formats;

namespace ZeroOS.Tests.Media.SystemImage;

/// <summary>The kernel's own drivers read what is on the media, and what they write on the system partition is read by ours.</summary>
[Trait("tier", "kernel")]
public sealed class MediaMountTests(ImageBench bench) : IClassFixture<ImageBench>
{
    private static void Need(string driver)
    {
        Skip.IfNot(Environment.UserName == "root", "needs root to mount");
        Skip.IfNot(File.Exists("/dev/loop-control"), "needs /dev/loop-control");
        Skip.IfNot(File.ReadAllLines("/proc/filesystems").Any(l => l.Trim().Split('\t')[^1] == driver), $"needs {driver} in this kernel");
    }

    /// <summary>Mounts a part of a file while <paramref name="use"/> looks at it.</summary>
    private void Mounted(string file, string options, string driver, Action<string> use)
    {
        string folder = Directory.CreateDirectory(bench.Scratch("mount-" + Guid.NewGuid().ToString("n"))).FullName;
        Judge.Ask("mount", "-t", driver, "-o", "loop," + options, file, folder);
        try
        {
            use(folder);
        }
        finally
        {
            Judge.Ask("umount", folder);
        }
    }

    [SkippableFact]
    public void The_system_partition_is_mounted_read_and_written_and_stays_sound()
    {
        bench.Need();
        Need("vfat");
        string disk = bench.Scratch("mounted.img");
        File.Copy(Path.Combine(bench.WithFarm, "zeroos.img"), disk, overwrite: true);
        byte[] efi = File.ReadAllBytes(Path.Combine(bench.WithFarm, "zeroos.efi"));
        GptPartition system;
        using (FileStream file = File.OpenRead(disk))
            system = GptReader.Read(file).Partitions.Single();
        Mounted(disk, $"offset={system.OffsetBytes},sizelimit={system.SizeBytes}", "vfat", folder =>
        {
            Assert.Equal(efi, File.ReadAllBytes(Path.Combine(folder, "EFI/BOOT/BOOTX64.EFI")));
            Assert.Equal(File.ReadAllBytes(bench.Farm), File.ReadAllBytes(Path.Combine(folder, "EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred")));
            Directory.CreateDirectory(Path.Combine(folder, "EFI/ZEROOS/TRIAL.EFI.extra.d"));
            File.WriteAllBytes(Path.Combine(folder, "EFI/ZEROOS/TRIAL.EFI"), efi);
            File.WriteAllText(Path.Combine(folder, "EFI/ZEROOS/TRIAL.EFI.extra.d/farm.cred"), "written by the kernel");
            File.Delete(Path.Combine(folder, "syslinux/vmlinuz"));
        });
        using FileStream after = File.OpenRead(disk);
        using SubStream volume = system.Open(after);
        FatReader reader = new(volume);
        Assert.Equal(efi, reader.ReadAll(reader.Find("EFI/ZEROOS/TRIAL.EFI")!, 64 << 20));
        Assert.Equal("written by the kernel"u8.ToArray(), reader.ReadAll(reader.Find("EFI/ZEROOS/TRIAL.EFI.extra.d/farm.cred")!, 100));
        Assert.Null(reader.Find("syslinux/vmlinuz"));
        using TemporaryFile copy = new();
        using (FileStream target = copy.Open(0))
        {
            volume.Position = 0;
            volume.CopyTo(target);
        }
        Judge.Ask("fsck.fat", "-n", copy.Path);
    }

    [SkippableFact]
    public void The_cd_is_mounted_and_read()
    {
        bench.Need();
        Need("iso9660");
        Mounted(Path.Combine(bench.WithFarm, "zeroos.iso"), "ro", "iso9660", folder =>
            Assert.Equal(File.ReadAllBytes(Path.Combine(bench.WithFarm, "initramfs.cpio.zst")),
                File.ReadAllBytes(Path.Combine(folder, "isolinux/initramfs.cpio.zst"))));
    }
}
