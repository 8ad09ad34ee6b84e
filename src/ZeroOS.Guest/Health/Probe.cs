namespace ZeroOS.Guest.Health;

/// <summary>Asks once, and answers by <paramref name="untilMs"/> of <see cref="Environment.TickCount64"/> or little later.</summary>
internal delegate ProbeOutcome Probe(long untilMs);
