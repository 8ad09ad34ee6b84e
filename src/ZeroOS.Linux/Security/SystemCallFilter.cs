namespace ZeroOS.Linux.Security;

/// <summary>What happens to a process that makes a call its filter does not know.</summary>
public enum OnForbidden
{
    /// <summary>It dies with SIGSYS, all threads at once.</summary>
    Kill,

    /// <summary>The calling thread gets SIGSYS, whose handler (<see cref="ForbiddenCallReport"/>) says which call it was; then as <see cref="Kill"/>.</summary>
    Report,
}

/// <summary>
/// A seccomp filter (seccomp(2)) made from a table of what is allowed; everything else is forbidden. Filters only ever add up: a thread may do what all of its
/// filters allow.
/// </summary>
public sealed unsafe class SystemCallFilter
{
    private const uint AllowAction = 0x7fff0000, ErrnoAction = 0x00050000, TrapAction = 0x00030000, KillProcessAction = 0x80000000;
    private const uint AuditArchX86_64 = 0xc000003e, FirstX32Number = 0x40000000;
    private const int MaxInstructions = 4096;
    private readonly FilterInstruction[] _program;
    private readonly string _name;

    private SystemCallFilter(string name, FilterInstruction[] program) => (_name, _program) = (name, program);

    /// <summary>The program, as the kernel takes it.</summary>
    public ReadOnlySpan<FilterInstruction> Program => _program;

    /// <summary>Assembles a table. Calls are compared in the order in which the table first names them: the frequent ones come first.</summary>
    /// <exception cref="ArgumentException">The table is too long for a filter.</exception>
    public static SystemCallFilter Compile(string name, IReadOnlyList<SystemCallRule> rules, OnForbidden forbidden)
    {
        FilterInstruction deny = FilterInstruction.Plain(FilterInstruction.Return, forbidden == OnForbidden.Report ? TrapAction : KillProcessAction);
        List<FilterInstruction> program =
        [
            FilterInstruction.Plain(FilterInstruction.Load, FilterInstruction.ArchitectureOffset),
            new(FilterInstruction.JumpIfEqual, 1, 0, AuditArchX86_64),
            deny,
            FilterInstruction.Plain(FilterInstruction.Load, FilterInstruction.NumberOffset),
            new(FilterInstruction.JumpIfAtLeast, 0, 1, FirstX32Number),
            deny,
        ];
        foreach (IGrouping<SystemCall, SystemCallRule> call in rules.GroupBy(r => r.Call))
        {
            List<FilterInstruction> block = [.. call.SelectMany(Row), deny];
            // A conditional jump reaches 255 instructions; a plain one reaches everything.
            program.Add(new FilterInstruction(FilterInstruction.JumpIfEqual, 1, 0, (uint)call.Key));
            program.Add(FilterInstruction.Plain(FilterInstruction.Jump, (uint)block.Count));
            program.AddRange(block);
        }
        program.Add(deny);
        return program.Count <= MaxInstructions
            ? new SystemCallFilter(name, [.. program])
            : throw new ArgumentException($"filter {name} has {program.Count} instructions");
    }

    /// <summary>
    /// Installs it for this thread and those it makes, or for all threads of the process at once. They must have NO_NEW_PRIVS
    /// (<see cref="CurrentThread.NoNewPrivileges"/>; with all threads, it is enough that this one has).
    /// </summary>
    /// <exception cref="LinuxException">What seccomp(2) refused; EBUSY if a thread has a filter this one has not.</exception>
    public void Install(bool allThreads)
    {
        const nint SECCOMP_SET_MODE_FILTER = 1, SECCOMP_FILTER_FLAG_TSYNC = 1;
        fixed (FilterInstruction* code = _program)
        {
            sock_fprog program = new() { len = (ushort)_program.Length, filter = code };
            nint result = Libc.system_call((nint)SystemCall.seccomp, SECCOMP_SET_MODE_FILTER, allThreads ? SECCOMP_FILTER_FLAG_TSYNC : 0,
                (nint)(&program), 0, 0, 0);
            if (result != 0)
                throw new LinuxException(result < 0 ? Libc.LastError : Errno.EBUSY, "seccomp", _name);
        }
    }

    // What a row compares and how it ends; where a comparison fails, the next row of the same call begins.
    private static List<FilterInstruction> Row(SystemCallRule rule)
    {
        List<FilterInstruction> row = [];
        List<int> failures = [];
        foreach (ArgumentRule argument in rule.Arguments)
        {
            uint low = FilterInstruction.ArgumentsOffset + (8 * (uint)argument.Index);
            Compare(row, failures, low, (uint)argument.Mask, [.. argument.Values.Select(v => (uint)v)]);
            if (argument.Mask > uint.MaxValue)
                Compare(row, failures, low + 4, (uint)(argument.Mask >> 32), [.. argument.Values.Select(v => (uint)(v >> 32))]);
        }
        row.Add(FilterInstruction.Plain(FilterInstruction.Return, rule.Answer == Errno.None ? AllowAction : ErrnoAction | (uint)rule.Answer));
        foreach (int at in failures)
            row[at] = FilterInstruction.Plain(FilterInstruction.Jump, (uint)(row.Count - at - 1));
        return row;
    }

    private static void Compare(List<FilterInstruction> row, List<int> failures, uint offset, uint mask, uint[] values)
    {
        row.Add(FilterInstruction.Plain(FilterInstruction.Load, offset));
        if (mask != uint.MaxValue)
            row.Add(FilterInstruction.Plain(FilterInstruction.And, mask));
        for (int i = 0; i < values.Length; i++)
            row.Add(new FilterInstruction(FilterInstruction.JumpIfEqual, (byte)(values.Length - i), 0, values[i]));
        failures.Add(row.Count);
        row.Add(default);
    }

    private struct sock_fprog
    {
        internal ushort len;
        internal FilterInstruction* filter;
    }
}
