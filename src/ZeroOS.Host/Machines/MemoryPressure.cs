namespace ZeroOS.Host.Machines;

/// <summary>
/// What to do when the node runs short of memory: machines that have more than their reservation are squeezed by their balloons, each by its share of what is
/// over; when that does not help in time, one of them is killed. A machine within its reservation is never touched. Bytes.
/// </summary>
internal sealed class MemoryPressure(long totalBytes)
{
    /// <summary>Turns in want after which a machine is killed; a turn is a second.</summary>
    public const int PatienceTurns = 10;

    private const long Step = 2L << 20;
    private int _turnsInWant;

    /// <summary>Less than this available: machines are squeezed.</summary>
    public long Low { get; } = Math.Clamp(totalBytes / 16, 64L << 20, 1L << 30);

    /// <summary>Squeezing aims at this much available; with more, balloons are let go.</summary>
    public long High => Low * 3 / 2;

    /// <summary>Less than this available for <see cref="PatienceTurns"/>: a machine is killed.</summary>
    public long Critical => Low / 2;

    /// <summary>New balloon targets, for the machines whose target changes.</summary>
    public IReadOnlyList<(string Name, long Balloon)> Targets(long available, IReadOnlyList<MemoryUse> machines)
    {
        if (available >= Low && available <= High)
            return [];
        List<(string, long)> changed = [];
        long wanted = High - available, over = machines.Sum(m => m.Over);
        foreach (MemoryUse machine in machines)
        {
            long target = available > High ? Relieved(machine) : Squeezed(machine, wanted, over);
            if (target != machine.Balloon)
                changed.Add((machine.Name, target));
        }
        return changed;
    }

    /// <summary>Whom to kill now, or null: of the tenant that is most over its reservations, the machine that is. Call once a turn.</summary>
    public string? Victim(long available, IReadOnlyList<MemoryUse> machines)
    {
        _turnsInWant = available < Critical ? _turnsInWant + 1 : 0;
        if (_turnsInWant < PatienceTurns)
            return null;
        IGrouping<string, MemoryUse>? tenant = machines.Where(m => m.Over > 0).GroupBy(m => m.Tenant, StringComparer.Ordinal).MaxBy(g => g.Sum(m => m.Over));
        if (tenant is null)
            return null;
        // What is freed needs time to be seen.
        _turnsInWant = 0;
        return tenant.MaxBy(m => m.Over).Name;
    }

    // The guest gives up its free pages first, which the node has back already: so the target is reckoned from what is resident.
    private static long Squeezed(MemoryUse machine, long wanted, long over)
    {
        if (machine.Over == 0)
            return machine.Balloon;
        long share = Math.Min(machine.Over, (long)((double)wanted * machine.Over / over));
        return Math.Max(machine.Balloon,
            RoundDown(Math.Clamp(machine.Ceiling - (machine.Resident - share), 0, Math.Max(0, machine.Ceiling - machine.Reserved))));
    }

    // By halves: all at once would be taken at once.
    private static long Relieved(MemoryUse machine) => machine.Balloon <= 8 * Step ? 0 : RoundDown(machine.Balloon / 2);

    private static long RoundDown(long bytes) => bytes - (bytes % Step);
}
