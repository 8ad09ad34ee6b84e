using System.Globalization;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>What the kernel counts of the workload, in its cgroup (cgroup-v2, "PID" and "PSI").</summary>
internal static class WorkloadUse
{
    private const int MaxFile = 4096;

    /// <summary>Reads it; what the kernel does not say is left out.</summary>
    internal static GuestUse Read(string path = WorkloadCgroup.Path) => new()
    {
        Pids = Number(path + "/pids.current"),
        PidsLimit = Number(path + "/pids.max"),
        CpuPressurePer10000 = Pressure(path + "/cpu.pressure"),
        MemoryPressurePer10000 = Pressure(path + "/memory.pressure"),
        IoPressurePer10000 = Pressure(path + "/io.pressure"),
    };

    // "max" is no number.
    private static int? Number(string file) =>
        int.TryParse(KernelFile.TryRead(file, out _, MaxFile)?.TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    // "some avg10=1.25 avg60=0.40 avg300=0.10 total=12345", in percent.
    private static int? Pressure(string file)
    {
        const string Begins = "some avg10=";
        if (KernelFile.TryRead(file, out _, MaxFile) is not { } text || !text.StartsWith(Begins, StringComparison.Ordinal))
            return null;
        string percent = text[Begins.Length..].Split(' ')[0];
        return decimal.TryParse(percent, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            ? (int)(Math.Clamp(value, 0, 100) * GuestUse.FullPressure / 100)
            : null;
    }
}
