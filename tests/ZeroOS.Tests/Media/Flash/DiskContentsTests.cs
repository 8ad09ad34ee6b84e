using System.Text;

using ZeroOS.Media.Flash;
using ZeroOS.Tests.Formats;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Media.Flash;

public sealed class DiskContentsTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [SkippableTheory]
    [InlineData("FAT32 \"STICK\"", "mkfs.vfat", "-F", "32", "-n", "STICK")]
    [InlineData("FAT", "mkfs.vfat", "-F", "16")]
    [InlineData("ext4 \"root\"", "mke2fs", "-q", "-t", "ext4", "-L", "root")]
    [InlineData("ext2", "mke2fs", "-q", "-t", "ext2")]
    [InlineData("btrfs \"pool\"", "mkfs.btrfs", "-q", "-L", "pool")]
    [InlineData("swap \"swp\"", "mkswap", "-L", "swp")]
    public void What_the_makers_of_file_systems_make_is_recognised(string expected, string program, params string[] arguments)
    {
        Judge.Need(program);
        using (FileStream file = File.OpenWrite(_file))
            file.SetLength(128 << 20);
        ProgramRun.Of(program, [.. arguments, _file]).Succeeded();
        Assert.Equal([expected], Read().Describe());
    }

    [Fact]
    public void A_gpt_with_its_partitions_is_told_line_by_line_and_ours_is_known()
    {
        using FlashBench bench = new();
        using FileStream image = File.OpenRead(bench.Image);
        DiskContents contents = DiskContents.Read(image, image.Length);
        Assert.Equal(["GPT with 1 partition", "  1    82.8 MB  FAT32 \"ZEROOS\"  EFI system"], contents.Describe());
        Assert.True(contents.IsZeroOS);
    }

    [Fact]
    public void An_mbr_is_told_and_a_blank_disk_is_blank()
    {
        byte[] disk = new byte[1 << 20];
        File.WriteAllBytes(_file, disk);
        Assert.Equal(["nothing on it"], Read().Describe());
        (disk[510], disk[511]) = (0x55, 0xAA);
        (disk[450], disk[454], disk[459]) = (0x83, 8, 2); // type, first sector 8, 512 sectors
        File.WriteAllBytes(_file, disk);
        Assert.Equal(["MBR with 1 partition", "  1   262.1 kB  type 83"], Read().Describe());
        disk[510] = 1;
        File.WriteAllBytes(_file, disk);
        Assert.Equal(["data of no kind that is known here"], Read().Describe());
    }

    [Fact]
    public void Ten_thousand_broken_disks_are_looked_at_without_an_exception()
    {
        using FlashBench bench = new();
        byte[] seed = new byte[1 << 17];
        using (FileStream image = File.OpenRead(bench.Image))
            image.ReadExactly(seed);
        byte[][] marks = [.. new[] { "NTFS    ", "XFSB", "CD001", "_BHRfS_M", "SWAPSPACE2", "FAT32   ", "EFI PART" }.Select(Encoding.ASCII.GetBytes)];
        int[] places = [3, 0, 0x8001, 0x10040, 4086, 82, 512];
        Random random = new(12);
        for (int round = 0; round < 10_000; round++)
        {
            byte[] disk = [.. seed.AsSpan(0, random.Next(5) == 0 ? random.Next(seed.Length) : 70_000)];
            for (int change = random.Next(6); change > 0 && disk.Length > 2048; change--)
                disk[random.Next(random.Next(2) == 0 ? 2048 : disk.Length)] = (byte)random.Next(256);
            int mark = random.Next(marks.Length);
            if (disk.Length > 66_000)
                marks[mark].CopyTo(disk, places[mark]);
            DiskContents contents = DiskContents.Read(new MemoryStream(disk), random.Next(2) == 0 ? disk.Length : FlashBench.ImageBytes);
            Assert.InRange(contents.Describe().Count(), 1, 40);
        }
    }

    private DiskContents Read()
    {
        using FileStream file = File.OpenRead(_file);
        return DiskContents.Read(file, file.Length);
    }
}
