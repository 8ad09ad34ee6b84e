using System.Globalization;
using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Bench;

/// <summary>
/// First process of a bench-only machine that holds zvmm and Debian's QEMU: starts the same guest under each, in turn, and writes one line per run to the
/// console: "zbench: NAME boot-ms NUMBER", "zbench: NAME resident-kib NUMBER" or, of ours alone, "zbench: NAME return-ms NUMBER"; the first boot of each is
/// called warm-up.
/// </summary>
internal static class Program
{
    private const int Runs = 5;

    private static int Main()
    {
        foreach ((string source, string target) in ((string, string)[])[("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")])
            _ = Mounts.TryMount(source, target, source, MountFlags.None);
        using FileDescriptor console = FileDescriptor.Open("/dev/console", OpenFlags.ReadWrite);
        Contender[] all = [new ZvmmContender(console), new QemuContender("qemu-acpi-pcie", "microvm,acpi=on,pcie=on,pit=off,pic=off,rtc=off", pci: true),
            new QemuContender("qemu-bare", "microvm,acpi=off,pit=off,pic=off,rtc=off", pci: false)];
        for (int run = -1; run < Runs; run++)
        {
            foreach (Contender contender in all)
                Say(console, contender.Name, run < 0 ? "warm-up" : "boot-ms", contender.BootMs);
        }
        foreach (Contender contender in all)
            Say(console, contender.Name, "resident-kib", contender.ResidentKib);
        for (int run = 0; run < Runs; run++)
            Say(console, all[0].Name, "return-ms", all[0].ReturnMs);
        console.Write("zbench: done\n"u8);
        Computer.Sync();
        _ = Computer.PowerOff();
        return 1;
    }

    private static void Say(FileDescriptor console, string name, string figure, Func<(double Value, string Trouble)> run)
    {
        string outcome;
        try
        {
            (double value, string trouble) = run();
            outcome = trouble.Length > 0 ? $"failed: {trouble}" : string.Create(CultureInfo.InvariantCulture, $"{figure} {value:F1}");
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            outcome = $"failed: {e.Message}";
        }
        console.Write(Encoding.UTF8.GetBytes($"zbench: {name} {outcome}\n"));
    }
}
