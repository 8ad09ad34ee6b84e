using System.Globalization;

namespace ZeroOS.Guest.Workload;

/// <summary>What is read of /proc/PID/stat (proc_pid_stat(5)).</summary>
/// <param name="Name">As the process calls itself.</param>
/// <param name="State">One letter.</param>
/// <param name="Parent">Its parent's number.</param>
/// <param name="Terminal">The device of its terminal; 0: none.</param>
/// <param name="CpuTicks">Processor time.</param>
/// <param name="Threads">Threads.</param>
/// <param name="StartTicks">When it began, since the kernel did.</param>
/// <param name="VirtualBytes">Address space.</param>
/// <param name="ResidentPages">Memory.</param>
internal sealed record ProcessStat(string Name, char State, int Parent, int Terminal, long CpuTicks, int Threads, long StartTicks, long VirtualBytes,
    long ResidentPages)
{
    // Fields behind the name, of which the first is the third of the line.
    private const int StateField = 0, ParentField = 1, TerminalField = 4, UserTimeField = 11, KernelTimeField = 12, ThreadsField = 17, StartField = 19,
        VirtualField = 20, ResidentField = 21;

    /// <summary>Reads the line; null: it is none. The name may have blanks and parentheses, and the line goes on behind the last of these.</summary>
    internal static ProcessStat? TryParse(string line)
    {
        int open = line.IndexOf('(', StringComparison.Ordinal), close = line.LastIndexOf(')');
        if (open < 0 || close < open)
            return null;
        string[] fields = line[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length <= ResidentField || fields[StateField].Length != 1)
            return null;
        long[] numbers = new long[ResidentField + 1];
        for (int i = ParentField; i <= ResidentField; i++)
        {
            // Those that do not fit are of no use here.
            if (!long.TryParse(fields[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i]))
                numbers[i] = 0;
        }
        return new ProcessStat(line[(open + 1)..close], fields[StateField][0], (int)numbers[ParentField], (int)numbers[TerminalField],
            numbers[UserTimeField] + numbers[KernelTimeField], (int)numbers[ThreadsField], numbers[StartField], numbers[VirtualField],
            numbers[ResidentField]);
    }
}
