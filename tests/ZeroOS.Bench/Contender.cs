using System.Globalization;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;

namespace ZeroOS.Bench;

/// <summary>A monitor under test: how it is started with the same guest as the others.</summary>
internal abstract class Contender(string name)
{
    /// <summary>Guest memory, unless a figure needs more.</summary>
    private const long MemoryBytes = 256L << 20;

    private const long FreedBytes = 1L << 30;

    private const int PatienceMs = 60_000;

    // Linux reserves the first MiB and clears none of it, so it may not be resident; everything above is, once it was cleared.
    private const long UntouchedBytes = 1 << 20;

    private static readonly byte[] s_firstLine = "zguest:"u8.ToArray();

    /// <summary>Names it in the figures.</summary>
    public string Name => name;

    /// <summary>Starts the guest, waits for zguest's first line, and ends it.</summary>
    /// <returns>Milliseconds from exec to the line; what went wrong, or empty.</returns>
    public (double Value, string Trouble) BootMs() => Run(GuestKernel.CommandLine, (_, ms) => ms);

    /// <summary>
    /// The same with a guest that clears all its memory first: what was resident at the peak beyond that memory is the monitor (the guest gives memory back
    /// afterwards). Nothing that the monitor says itself and no mapping has to be believed; the first MiB, which the guest may not have touched, counts for the
    /// monitor.
    /// </summary>
    /// <returns>KiB; what went wrong, or empty.</returns>
    public (double Value, string Trouble) ResidentKib() =>
        Run(GuestKernel.CommandLine + " init_on_free=1", (pid, _) => ResidentKibOf(pid, "VmHWM") - ((MemoryBytes - UntouchedBytes) / 1024));

    /// <summary>
    /// A guest with a gibibyte more clears all its memory, as if everything had been used and freed before its balloon is there: how long after zguest's first
    /// line four fifths of the gibibyte are back.
    /// </summary>
    /// <returns>Milliseconds; what went wrong, or empty.</returns>
    public (double Value, string Trouble) ReturnMs() => Run(GuestKernel.CommandLine + " init_on_free=1", (pid, _) =>
    {
        long began = KernelClock.BootTimeNs, aim = ResidentKibOf(pid, "VmHWM") - (FreedBytes / 5 * 4 / 1024);
        while (ResidentKibOf(pid, "VmRSS") > aim)
        {
            if (KernelClock.BootTimeNs - began > PatienceMs * 1_000_000L)
                throw new IOException($"{(ResidentKibOf(pid, "VmRSS") - aim) / 1024} MiB too many are resident after a minute");
            CancellationToken.None.WaitHandle.WaitOne(50);
        }
        return (KernelClock.BootTimeNs - began) / 1e6;
    }, MemoryBytes + FreedBytes);

    /// <summary>Starts the process with the serial port on <paramref name="serial"/> and returns its id.</summary>
    protected abstract int Start(FileDescriptor serial, string commandLine, long memoryBytes);

    /// <summary>The guest has said its first line and still runs: the place for figures only this monitor has.</summary>
    protected virtual void Inspect()
    {
    }

    /// <summary>An empty disk in memory, the same for all.</summary>
    protected static FileDescriptor Disk()
    {
        FileDescriptor disk = FileDescriptor.Memory("disk");
        disk.SetLength(64 << 20);
        return disk;
    }

    private (double Value, string Trouble) Run(string commandLine, Func<int, double, double> measure, long memoryBytes = MemoryBytes)
    {
        using SerialPipe serial = new();
        long began = KernelClock.BootTimeNs;
        int pid = Start(serial.Writer, commandLine, memoryBytes);
        serial.CloseWriter();
        string trouble = serial.ReadUntil(s_firstLine, PatienceMs);
        double ms = (KernelClock.BootTimeNs - began) / 1e6;
        try
        {
            if (trouble.Length > 0)
                return (0, trouble);
            double value = measure(pid, ms);
            Inspect();
            return (value, "");
        }
        finally
        {
            _ = ChildProcess.TryKill(pid, SignalFd.SIGKILL);
            _ = ChildProcess.TryWait(pid, out _);
        }
    }

    private static long ResidentKibOf(int pid, string field)
    {
        string status = KernelFile.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status"));
        string line = status.Split('\n').First(l => l.StartsWith(field + ":", StringComparison.Ordinal));
        return long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
