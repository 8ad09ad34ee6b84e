namespace ZeroOS.Host.Clock;

/// <summary>What to do with the clock.</summary>
internal enum ClockAction
{
    /// <summary>Bend it.</summary>
    Slew,

    /// <summary>Set it.</summary>
    Step,

    /// <summary>Leave it: a step this large, after the clock was right once, needs an owner's word.</summary>
    Disputed,

    /// <summary>Leave it: the image is younger than the time they tell.</summary>
    BelowFloor,
}

/// <summary>The rules of docs/identity.md, "Time", without a clock.</summary>
internal static class ClockRules
{
    /// <summary>Larger differences are not bent away.</summary>
    public static readonly TimeSpan StepAbove = TimeSpan.FromMilliseconds(400);

    /// <summary>Larger steps after the first synchronisation need an owner.</summary>
    public static readonly TimeSpan DisputeAbove = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The offset that most servers agree on: the largest set of overlapping intervals (Marzullo) counts if it holds more than half of the
    /// answers, and two where three or more were asked. The surest sample of the set is taken.
    /// </summary>
    public static SntpSample? Agree(IReadOnlyList<SntpSample> samples, int asked)
    {
        List<SntpSample> best = [];
        foreach (SntpSample at in samples)
        {
            TimeSpan edge = at.Offset - at.Error;
            List<SntpSample> here = [.. samples.Where(s => s.Offset - s.Error <= edge && edge <= s.Offset + s.Error)];
            if (here.Count > best.Count)
                best = here;
        }
        int needed = Math.Max((samples.Count / 2) + 1, asked >= 3 ? 2 : 1);
        return best.Count >= needed ? best.MinBy(s => s.Error) : null;
    }

    /// <summary>Decides.</summary>
    /// <param name="now">Our clock.</param>
    /// <param name="offset">What must be added to it.</param>
    /// <param name="floor">When the image was built.</param>
    /// <param name="syncedBefore">It was right once since the kernel started.</param>
    /// <param name="approved">The time an owner vouched for, or null.</param>
    public static ClockAction Decide(DateTimeOffset now, TimeSpan offset, DateTimeOffset floor, bool syncedBefore, DateTimeOffset? approved)
    {
        if (offset.Duration() <= StepAbove)
            return ClockAction.Slew;
        if (now + offset < floor)
            return ClockAction.BelowFloor;
        bool vouched = approved is { } time && (now + offset - time).Duration() <= DisputeAbove;
        return syncedBefore && offset.Duration() > DisputeAbove && !vouched ? ClockAction.Disputed : ClockAction.Step;
    }
}
