using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Bench;

/// <summary>A monitor under test: how it is started with the same guest as the others.</summary>
internal abstract class Contender(string name)
{
    /// <summary>Guest memory.</summary>
    protected const long MemoryBytes = 256L << 20;

    /// <summary>The same for all.</summary>
    protected const string CommandLine = "console=ttyS0 quiet reboot=t panic=-1 8250.nr_uarts=1 i8042.noaux i8042.nomux i8042.dumbkbd";

    private static readonly byte[] s_firstLine = "zguest:"u8.ToArray();

    /// <summary>Names it in the figures.</summary>
    public string Name => name;

    /// <summary>Starts the guest, waits for zguest's first line, and ends it.</summary>
    /// <returns>Milliseconds from exec to the line; KiB resident beyond guest memory; what went wrong, or empty.</returns>
    public (double Ms, long Kib, string Trouble) Run()
    {
        using SerialPipe serial = new();
        long began = KernelClock.BootTimeNs;
        int pid = Start(serial.Writer);
        serial.CloseWriter();
        string trouble = serial.ReadUntil(s_firstLine, timeoutMs: 120_000);
        double ms = (KernelClock.BootTimeNs - began) / 1e6;
        long kib = trouble.Length == 0 ? ResidentBeyondGuest(pid) : 0;
        _ = ChildProcess.TryKill(pid, SignalFd.SIGKILL);
        _ = ChildProcess.TryWait(pid, out _);
        return (ms, kib, trouble);
    }

    /// <summary>Starts the process with the serial port on <paramref name="serial"/> and returns its id.</summary>
    protected abstract int Start(FileDescriptor serial);

    /// <summary>An empty disk in memory, the same for all.</summary>
    protected static FileDescriptor Disk()
    {
        FileDescriptor disk = FileDescriptor.Memory("disk");
        disk.SetLength(64 << 20);
        return disk;
    }

    /// <summary>Sum of Rss in smaps but for the mapping as large as guest memory.</summary>
    private static long ResidentBeyondGuest(int pid)
    {
        long sum = 0, size = 0;
        foreach (string line in KernelFile.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/smaps"), 4 << 20).Split('\n'))
        {
            if (line.StartsWith("Size:", StringComparison.Ordinal))
                size = Kib(line);
            else if (line.StartsWith("Rss:", StringComparison.Ordinal) && size != MemoryBytes / 1024)
                sum += Kib(line);
        }
        return sum;
    }

    private static long Kib(string line) => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
