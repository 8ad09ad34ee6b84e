using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>A whole disk as /sys/block shows it; sizes in bytes.</summary>
public sealed record BlockDisk(string Name, string Path, string Serial, long SizeBytes, bool IsRemovable, bool IsReadOnly)
{
    private const int SectorBytes = 512; // /sys/block/*/size counts these whatever the disk's own are

    // Not disks of this computer, though block devices: loops, memory, stacked devices, optical and floppy drives, network disks.
    private static readonly string[] s_others = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock", "pmem"];

    /// <summary>Every disk, by name.</summary>
    public static IReadOnlyList<BlockDisk> Find()
    {
        List<BlockDisk> disks = [];
        if (!Directory.Exists("/sys/block"))
            return disks;
        foreach (string entry in Directory.EnumerateFileSystemEntries("/sys/block").Order(StringComparer.Ordinal))
        {
            string name = System.IO.Path.GetFileName(entry);
            if (s_others.Any(o => name.StartsWith(o, StringComparison.Ordinal)))
                continue;
            string topology = new DirectoryInfo(entry).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? entry;
            bool removable = Read(entry, "removable") == "1" || topology.Contains("/usb", StringComparison.Ordinal);
            _ = long.TryParse(Read(entry, "size"), NumberStyles.None, CultureInfo.InvariantCulture, out long sectors);
            if (sectors > 0)
                disks.Add(new BlockDisk(name, "/dev/" + name, ReadSerial(entry), sectors * SectorBytes, removable, Read(entry, "ro") == "1"));
        }
        return disks;
    }

    /// <summary>What its maker calls it, or empty; printable characters only.</summary>
    internal static string ModelOf(string name) => new([.. Read($"/sys/block/{name}", "device/model").Where(c => c is >= ' ' and <= '~').Take(40)]);

    private static string ReadSerial(string entry)
    {
        foreach (string place in (ReadOnlySpan<string>)["serial", "device/serial", "wwid", "device/wwid"])
        {
            if (Read(entry, place) is { Length: > 0 } serial)
                return new string([.. serial.Where(c => c is > ' ' and <= '~').Take(64)]);
        }
        return "";
    }

    private static string Read(string entry, string name) => KernelFile.TryRead($"{entry}/{name}", out _, 4096)?.Trim() ?? "";
}
