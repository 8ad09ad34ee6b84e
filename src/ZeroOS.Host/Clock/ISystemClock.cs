using ZeroOS.Linux;

namespace ZeroOS.Host.Clock;

/// <summary>The clock that is set.</summary>
internal interface ISystemClock
{
    /// <summary>What it says.</summary>
    DateTimeOffset Now { get; }

    /// <summary>It was marked right since the kernel started.</summary>
    bool IsSynchronized { get; }

    /// <summary>Sets it.</summary>
    void Step(DateTimeOffset time);

    /// <summary>Bends it.</summary>
    void Slew(TimeSpan offset);

    /// <summary>Marks it right to within this.</summary>
    void MarkSynchronized(TimeSpan error);
}

/// <summary>The kernel's.</summary>
internal sealed class KernelSystemClock : ISystemClock
{
    public DateTimeOffset Now => DateTimeOffset.UtcNow;

    public bool IsSynchronized => ClockDiscipline.IsSynchronized;

    public void Step(DateTimeOffset time) => KernelClock.SetUnixTime((time - DateTimeOffset.UnixEpoch).Ticks * 100);

    public void Slew(TimeSpan offset) => ClockDiscipline.Slew(offset);

    public void MarkSynchronized(TimeSpan error) => ClockDiscipline.MarkSynchronized(error);
}
