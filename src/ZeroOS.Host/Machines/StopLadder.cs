using ZeroOS.Contracts.Guest;

namespace ZeroOS.Host.Machines;

/// <summary>What to do next to a machine that is to stop.</summary>
internal enum StopStep
{
    /// <summary>Nothing yet.</summary>
    None,

    /// <summary>Press the power button.</summary>
    PowerButton,

    /// <summary>Kill the monitor.</summary>
    Kill,
}

/// <summary>
/// The way down: zguest is asked and has the grace it was given and a little more for its disks; then the power button, which the guest's kernel hears even
/// if zguest is deaf; then kill. Times in milliseconds of one clock.
/// </summary>
internal sealed class StopLadder
{
    private const int AfterGraceMs = 3_000, AfterButtonMs = 5_000, LongestGraceMs = 3_600_000;
    private StopStep _next;
    private long _dueAt = long.MaxValue;

    /// <summary>What zguest is asked, once somebody asked for a stop.</summary>
    public GuestStop? Asked { get; private set; }

    /// <summary>Somebody asked for a stop. Asked again, it can only become sooner.</summary>
    public void Ask(GuestStop stop, long now)
    {
        Asked = stop;
        if (_next == StopStep.None)
            _next = StopStep.PowerButton;
        if (_next == StopStep.PowerButton)
            _dueAt = Math.Min(_dueAt, now + Math.Clamp(stop.GraceMs, 0, LongestGraceMs) + AfterGraceMs);
    }

    /// <summary>The next step if it is due; each comes once.</summary>
    public StopStep Take(long now)
    {
        if (now < _dueAt)
            return StopStep.None;
        StopStep step = _next;
        (_next, _dueAt) = step == StopStep.PowerButton ? (StopStep.Kill, now + AfterButtonMs) : (StopStep.Kill, long.MaxValue);
        return step;
    }

    /// <summary>Milliseconds until the next step is due; -1: none is.</summary>
    public int TimeoutFrom(long now) => _dueAt == long.MaxValue ? -1 : (int)Math.Clamp(_dueAt - now, 0, int.MaxValue);
}
