using System.Globalization;
using System.Security.Cryptography;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>A whole disk as /sys/block shows it; sizes in bytes.</summary>
public sealed record BlockDisk(string Name, string Path, string Serial, long SizeBytes, bool IsRemovable, bool IsReadOnly)
{
    /// <summary>What its maker calls it, or empty.</summary>
    public string Model { get; init; } = "";

    /// <summary>The number it has everywhere (WWID, NGUID), or empty: few virtual disks have one.</summary>
    public string Wwid { get; init; } = "";

    /// <summary>Where in the computer it is: its device's path below /sys, or empty.</summary>
    public string Place { get; init; } = "";

    /// <summary>Which disk this is, in 64 hex digits. Another disk in its place has another id, and so has the same one at another place.</summary>
    public string DiskId => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"zeroos disk\0{Wwid}\0{Model}\0{Serial}\0{SizeBytes}\0{Place}"))));

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
            {
                disks.Add(new BlockDisk(name, "/dev/" + name, ReadSerial(entry), sectors * SectorBytes, removable, Read(entry, "ro") == "1")
                {
                    Model = Plain(Read(entry, "device/model"), 40),
                    Wwid = Plain(Read(entry, "wwid") is { Length: > 0 } wwid ? wwid : Read(entry, "device/wwid"), 128),
                    Place = System.IO.Path.GetDirectoryName(topology) ?? "",
                });
            }
        }
        return disks;
    }

    private static string ReadSerial(string entry)
    {
        foreach (string place in (ReadOnlySpan<string>)["serial", "device/serial", "wwid", "device/wwid"])
        {
            if (Read(entry, place) is { Length: > 0 } serial)
                return Plain(serial, 64).Replace(" ", "", StringComparison.Ordinal);
        }
        return "";
    }

    private static string Plain(string text, int length) => new([.. text.Where(c => c is >= ' ' and <= '~').Take(length)]);

    private static string Read(string entry, string name) => KernelFile.TryRead($"{entry}/{name}", out _, 4096)?.Trim() ?? "";
}
