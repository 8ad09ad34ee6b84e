using ZeroOS.Media;
using ZeroOS.Media.Flash;

namespace ZeroOS.Tests.Media.Flash;

/// <summary>Disks of a made-up machine: a USB stick, an NVMe disk in use, a card reader without a card, a virtual disk without a serial number.</summary>
public sealed class DisksTests : IDisposable
{
    private const string Stick = "devices/pci0000:00/usb1/1-1", StickDisk = $"{Stick}/1-1:1.0/host2/target2:0:0/2:0:0:0/block/sdb",
        Nvme = "devices/pci0000:00/nvme/nvme0";
    private readonly string _root = Directory.CreateTempSubdirectory("zos-sys").FullName;
    private readonly Disks _disks;

    public DisksTests()
    {
        Put($"{Stick}/idVendor", "0781");
        Put($"{Stick}/serial", "4C530001");
        Put($"{StickDisk}/size", "60062500");
        Put($"{StickDisk}/removable", "1");
        Put($"{StickDisk}/ro", "0");
        Put($"{StickDisk}/dev", "8:16");
        Put($"{StickDisk}/queue/logical_block_size", "512");
        Put($"{StickDisk}/sdb1/partition", "1");
        Put($"{StickDisk}/sdb1/dev", "8:17");
        Put($"{Stick}/1-1:1.0/host2/target2:0:0/2:0:0:0/vendor", "SanDisk ");
        Put($"{Stick}/1-1:1.0/host2/target2:0:0/2:0:0:0/model", "Ultra\u001b[2J Fit   ");
        Link($"{StickDisk}/device", "../..");
        Link("block/sdb", $"../{StickDisk}");
        Link("dev/block/8:16", $"../../{StickDisk}");
        Link("dev/block/8:17", $"../../{StickDisk}/sdb1");

        Put($"{Nvme}/serial", "S5GX  ");
        Put($"{Nvme}/model", "Samsung SSD 980");
        Put($"{Nvme}/nvme0n1/size", "1953525168");
        Put($"{Nvme}/nvme0n1/removable", "0");
        Put($"{Nvme}/nvme0n1/dev", "259:0");
        Put($"{Nvme}/nvme0n1/nvme0n1p1/partition", "1");
        Put($"{Nvme}/nvme0n1/nvme0n1p1/dev", "259:1");
        Put($"{Nvme}/nvme0n1/nvme0n1p2/partition", "2");
        Put($"{Nvme}/nvme0n1/nvme0n1p2/dev", "259:2");
        Directory.CreateDirectory(Path.Combine(_root, "sys", $"{Nvme}/nvme0n1/nvme0n1p2/holders/dm-0"));
        Link($"{Nvme}/nvme0n1/device", "..");
        Link("block/nvme0n1", $"../{Nvme}/nvme0n1");

        Put("devices/virtual/sdc/size", "0");
        Link("block/sdc", "../devices/virtual/sdc");
        Put("devices/virtual/vda/size", "2048");
        Link("block/vda", "../devices/virtual/vda");
        Put("devices/virtual/loop0/size", "2048");
        Link("block/loop0", "../devices/virtual/loop0");
        Directory.CreateDirectory(Path.Combine(_root, "proc/self"));
        Mounts("36 25 259:1 / /boot rw,relatime shared:1 - vfat /dev/nvme0n1p1 rw");
        _disks = new Disks(Path.Combine(_root, "sys"), Path.Combine(_root, "proc"));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_stick_is_told_by_its_maker_model_and_the_serial_number_of_its_usb_device()
    {
        Disk stick = _disks.Find("/dev/sdb", 8, 16);
        Assert.Equal(("sdb", "SanDisk Ultra?[2J Fit", "4C530001", 30_752_000_000L, "USB, removable"),
            (stick.Name, stick.Model, stick.Serial, stick.SizeBytes, stick.Attachment));
        Assert.True(stick.IsCandidate);
        Assert.Empty(stick.Uses);
    }

    [Fact]
    public void Disks_without_a_medium_and_what_is_no_disk_are_not_listed() => Assert.Equal(["nvme0n1", "sdb", "vda"], _disks.All().Select(d => d.Name));

    [Fact]
    public void A_partition_is_refused_with_the_name_of_its_disk() =>
        Assert.Contains("/dev/sdb;", Assert.Throws<MediaException>(() => _disks.Find("/dev/sdb1", 8, 17)).Message, StringComparison.Ordinal);

    [Fact]
    public void Mounts_swap_and_holders_of_a_disk_or_its_parts_are_uses()
    {
        Assert.Equal(["nvme0n1p1 is mounted at /boot", "nvme0n1p2 is part of dm-0 (volume group, RAID or encryption in use)"], _disks.Read("nvme0n1").Uses);
        Mounts("41 25 0:55 / /media/my\\040stick rw - btrfs /dev/sdb1 rw", "garbage", "1 2 3");
        File.WriteAllText(Path.Combine(_root, "proc/swaps"), "Filename Type Size\n/dev/sdb partition 100 0 -2\n");
        Assert.Equal(["sdb1 is mounted at /media/my stick", "sdb is swap space in use"], _disks.Read("sdb").Uses);
    }

    [Fact]
    public void What_is_in_use_read_only_or_has_large_sectors_is_never_written()
    {
        Assert.Contains("unmount it", FlashGuard.WhyNever(_disks.Read("nvme0n1")), StringComparison.Ordinal);
        Assert.Contains("no medium", FlashGuard.WhyNever(_disks.Read("sdc")), StringComparison.Ordinal);
        Disk stick = _disks.Read("sdb");
        Assert.Null(FlashGuard.WhyNever(stick));
        Assert.Contains("read-only", FlashGuard.WhyNever(stick with { IsReadOnly = true }), StringComparison.Ordinal);
        Assert.Contains("4096", FlashGuard.WhyNever(stick with { SectorBytes = 4096 }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_stick_is_asked_about_a_script_repeats_the_serial_and_a_built_in_disk_always_wants_it()
    {
        Disk stick = _disks.Read("sdb"), nvme = _disks.Read("nvme0n1"), nameless = _disks.Read("vda");
        Assert.Null(FlashGuard.WhyNotYet(stick, null, canAsk: true));
        Assert.Contains("--yes-this-disk 4C530001", FlashGuard.WhyNotYet(stick, null, canAsk: false), StringComparison.Ordinal);
        Assert.Null(FlashGuard.WhyNotYet(stick, "4C530001", canAsk: false));
        Assert.Contains("is not the disk \"S5GX\"", FlashGuard.WhyNotYet(stick, "S5GX", canAsk: true), StringComparison.Ordinal);
        Assert.Contains("--yes-this-disk S5GX", FlashGuard.WhyNotYet(nvme, null, canAsk: true), StringComparison.Ordinal);
        Assert.Null(FlashGuard.WhyNotYet(nvme, "S5GX", canAsk: true));
        Assert.Contains("no serial number, with --yes-this-disk vda", FlashGuard.WhyNotYet(nameless, null, canAsk: true), StringComparison.Ordinal);
    }

    private void Mounts(params string[] lines) => File.WriteAllLines(Path.Combine(_root, "proc/self/mountinfo"), lines);

    private void Put(string file, string text)
    {
        string path = Path.Combine(_root, "sys", file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text + "\n");
    }

    private void Link(string file, string target)
    {
        string path = Path.Combine(_root, "sys", file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, target);
    }
}
