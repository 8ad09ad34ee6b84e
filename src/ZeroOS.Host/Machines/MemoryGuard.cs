using ZeroOS.Host.Loops;
using ZeroOS.Linux;

namespace ZeroOS.Host.Machines;

/// <summary>
/// Looks once a turn, on the machines' loop, at how much memory the node has left, and does what <see cref="MemoryPressure"/> says. What a machine holds is
/// read from the kernel (/proc/PID/statm of its monitor), never believed from the machine.
/// </summary>
internal sealed class MemoryGuard : ILoopClient
{
    private readonly MachineContext _context;
    private readonly MemoryReadings _readings;
    private readonly MemoryPressure _pressure;
    private readonly HashSet<RunningMachine> _machines = [];

    /// <summary>Begins to look.</summary>
    public MemoryGuard(MachineContext context, MemoryReadings readings)
    {
        (_context, _readings) = (context, readings);
        _pressure = new MemoryPressure(readings.Total());
        context.Loop.Post(this, Next);
    }

    /// <summary>What a monitor holds.</summary>
    public long Resident(int pid) => _readings.Resident(pid);

    /// <summary>A machine counts from now on; only on the loop's thread.</summary>
    public void Add(RunningMachine machine) => _machines.Add(machine);

    /// <summary>It is gone; only on the loop's thread.</summary>
    public void Remove(RunningMachine machine) => _machines.Remove(machine);

    /// <inheritdoc/>
    public void OnReady(LoopWatch watch, Readiness ready)
    {
    }

    /// <inheritdoc/>
    public void OnDue()
    {
        long available = _readings.Available();
        // 0: the kernel does not say.
        if (available > 0 && (available < _pressure.High || _machines.Any(m => m.Balloon > 0)))
            Act(available, _machines.Where(m => !m.HasEnded).ToDictionary(m => m.Process, StringComparer.Ordinal));
        Next();
    }

    /// <inheritdoc/>
    public void OnFault(Exception fault)
    {
        _context.Log.Error($"memory: {fault.GetType().Name}: {fault.Message}");
        Next();
    }

    private void Act(long available, Dictionary<string, RunningMachine> running)
    {
        List<MemoryUse> uses = [.. running.Values.Select(m => m.Memory)];
        foreach ((string name, long balloon) in _pressure.Targets(available, uses))
            running[name].SetBalloon(balloon);
        if (_pressure.Victim(available, uses) is { } victim)
            running[victim].KillForMemory();
    }

    private void Next() => _context.Loop.SetDue(this, ClientLoop.Now + _readings.TurnMs);
}
