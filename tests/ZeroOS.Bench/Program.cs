using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Bench;

/// <summary>
/// First process of a bench-only machine that holds zvmm and Debian's QEMU: starts the same guest under each, in turn, and writes one line per run to the
/// console: "zbench: NAME MILLISECONDS KIBIBYTES", the time from exec to zguest's first line and the resident memory beyond the guest's own at that moment.
/// </summary>
internal static class Program
{
    private const int Runs = 5;

    private static int Main()
    {
        foreach ((string source, string target) in ((string, string)[])[("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")])
            _ = Mounts.TryMount(source, target, source, MountFlags.None);
        using FileDescriptor console = FileDescriptor.Open("/dev/console", OpenFlags.ReadWrite);
        Contender[] all = [new ZvmmContender(), new QemuContender("qemu-acpi-pcie", "microvm,acpi=on,pcie=on,pit=off,pic=off,rtc=off", pci: true),
            new QemuContender("qemu-bare", "microvm,acpi=off,pit=off,pic=off,rtc=off", pci: false)];
        for (int run = -1; run < Runs; run++)
        {
            foreach (Contender contender in all)
            {
                (double ms, long kib, string trouble) = contender.Run();
                string line = trouble.Length > 0 ? $"zbench: {contender.Name} failed: {trouble}\n"
                    : string.Create(CultureInfo.InvariantCulture, $"zbench: {contender.Name} {ms:F1} {kib}{(run < 0 ? " warm-up" : "")}\n");
                console.Write(System.Text.Encoding.UTF8.GetBytes(line));
            }
        }
        console.Write("zbench: done\n"u8);
        Computer.Sync();
        _ = Computer.PowerOff();
        return 1;
    }
}
