using System.Globalization;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Media.Flash;

/// <summary>The disks of this computer, from sysfs(5) and proc(5). The roots are given so that a test can make some up.</summary>
internal sealed class Disks(string sys = "/sys", string proc = "/proc", string dev = "/dev")
{
    private const int SectorBytes = 512; // of size in sysfs, whatever the disk's own are

    /// <summary>What is no disk to be written: loops, memory, device mapper, RAID.</summary>
    private static readonly string[] s_virtual = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"];

    /// <summary>Who says what a disk is: SCSI, ATA and USB say maker and model, NVMe the model, cards a name. A virtual one's maker is a number.</summary>
    private static readonly string[] s_names = ["device/vendor", "device/model", "device/name"];

    /// <summary>Every disk with a medium in it, in the order of names.</summary>
    public IReadOnlyList<Disk> All()
    {
        string folder = Path.Combine(sys, "block");
        return !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).OfType<string>()
            .Where(n => !s_virtual.Any(v => n.StartsWith(v, StringComparison.Ordinal))).Order(StringComparer.Ordinal).Select(Read).Where(d => d.SizeBytes > 0)];
    }

    /// <summary>The disk that a device number stands for.</summary>
    /// <exception cref="MediaException">There is none, or it is a part of one.</exception>
    public Disk Find(string path, uint major, uint minor)
    {
        string link = Path.Combine(sys, "dev/block", string.Create(CultureInfo.InvariantCulture, $"{major}:{minor}"));
        string folder = Resolve(link) ?? throw new MediaException($"{path} is a device the kernel knows nothing of; plug it in again");
        if (File.Exists(Path.Combine(folder, "partition")))
            throw new MediaException(
                $"{path} is a partition of /dev/{Path.GetFileName(Path.GetDirectoryName(folder))}; an image holds its own partitions, name the whole disk");
        return Read(Path.GetFileName(folder));
    }

    /// <summary>A disk by its kernel name.</summary>
    internal Disk Read(string name)
    {
        string folder = Resolve(Path.Combine(sys, "block", name)) ?? Path.Combine(sys, "block", name);
        return new Disk
        {
            Name = name,
            Path = Path.Combine(dev, name),
            SizeBytes = Number(folder, "size") * SectorBytes,
            SectorBytes = (int)Math.Max(Number(folder, "queue/logical_block_size"), SectorBytes),
            IsRemovable = Number(folder, "removable") == 1,
            IsUsb = folder.Split('/').Any(part => part.StartsWith("usb", StringComparison.Ordinal)),
            IsReadOnly = Number(folder, "ro") == 1,
            Model = string.Join(' ', s_names.Select(n => Text(folder, n)).Where(t => t.Length > 0 && !t.StartsWith("0x", StringComparison.Ordinal))),
            Serial = SerialOf(folder),
            Uses = [.. UsesOf(folder, name)],
        };
    }

    private static string SerialOf(string folder)
    {
        foreach (string file in new[] { "serial", "device/serial" }) // virtio; NVMe and cards
        {
            if (Text(folder, file) is { Length: > 0 } serial)
                return serial;
        }
        // SCSI, ATA and USB bridges that pass it on: vital product data page 0x80, four bytes before the text (SPC-4, 7.8.15).
        if (KernelFileBytes(Path.Combine(folder, "device/vpd_pg80")) is { Length: > 4 } page
            && Plain(Encoding.ASCII.GetString(page[4..])) is { Length: > 0 } text)
            return text;
        // USB sticks: the serial number of the USB device that the disk is behind.
        for (string? at = folder; at is not null && at.Contains("/usb", StringComparison.Ordinal); at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "idVendor")))
                return Text(at, "serial");
        }
        return "";
    }

    private IEnumerable<string> UsesOf(string folder, string name)
    {
        string[] folders = Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];
        string[] names = [name, .. folders.Where(d => File.Exists(Path.Combine(d, "partition"))).Select(d => Path.GetFileName(d))
            .Order(StringComparer.Ordinal)];
        Dictionary<string, string> numbers = names.Select(n => (Name: n, Number: Text(n == name ? folder : Path.Combine(folder, n), "dev")))
            .Where(n => n.Number.Length > 0).DistinctBy(n => n.Number).ToDictionary(n => n.Number, n => n.Name);
        foreach (string line in Lines("self/mountinfo"))
        {
            // 36 35 8:17 / /mnt rw,noatime - ext4 /dev/sdb1 rw; btrfs has a number of its own there, so that the source counts too.
            string[] words = line.Split(' ');
            int dash = Array.IndexOf(words, "-");
            if (words.Length < 7 || dash < 0 || dash + 2 >= words.Length)
                continue;
            string? used = numbers.GetValueOrDefault(words[2]) ?? names.FirstOrDefault(n => words[dash + 2] == "/dev/" + n);
            if (used is not null)
                yield return $"{used} is mounted at {Unescape(words[4])}";
        }
        foreach (string line in Lines("swaps").Skip(1))
        {
            if (names.FirstOrDefault(n => line.Split(' ', '\t')[0] == "/dev/" + n) is string swap)
                yield return $"{swap} is swap space in use";
        }
        foreach (string part in names)
        {
            string holders = Path.Combine(part == name ? folder : Path.Combine(folder, part), "holders");
            if (Directory.Exists(holders) && Directory.EnumerateFileSystemEntries(holders).Select(Path.GetFileName).FirstOrDefault() is string holder)
                yield return $"{part} is part of {holder} (volume group, RAID or encryption in use)";
        }
    }

    private string[] Lines(string file) =>
        KernelFile.TryRead(Path.Combine(proc, file), out _, maxBytes: 1 << 20)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static string? Resolve(string link) =>
        Directory.Exists(link) ? new DirectoryInfo(link).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? link : null;

    private static long Number(string folder, string file) =>
        long.TryParse(Text(folder, file), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;

    private static string Text(string folder, string file) => Plain(KernelFile.TryRead(Path.Combine(folder, file), out _, maxBytes: 4096) ?? "");

    /// <summary>A disk says of itself what its maker, or whoever made the stick, wrote; often padded.</summary>
    private static string Plain(string foreign) => HostileText.Plain(foreign.Trim(' ', '\n', '\0'), 4096);

    private static byte[]? KernelFileBytes(string path)
    {
        using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly, 0, out _);
        byte[] buffer = new byte[256];
        return file is not null && file.TryRead(buffer, out int read) == Errno.None ? buffer[..read] : null;
    }

    private static string Unescape(string mountPoint) => mountPoint.Replace("\\040", " ", StringComparison.Ordinal);
}
