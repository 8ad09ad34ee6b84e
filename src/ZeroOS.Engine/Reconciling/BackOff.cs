namespace ZeroOS.Engine.Reconciling;

/// <summary>
/// How long to wait after the n-th failure in a row: 1 s doubling to 60 s, a quarter of it by chance, so that machines that failed together do not come back
/// together.
/// </summary>
internal sealed class BackOff(Random random)
{
    /// <summary>The longest wait.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();

    /// <summary>The wait after failure number <paramref name="attempt"/> (1, 2, ...).</summary>
    public TimeSpan After(int attempt)
    {
        double seconds = Math.Min(Math.Pow(2, Math.Clamp(attempt - 1, 0, 10)), Longest.TotalSeconds);
        double chance;
        lock (_gate)
            chance = random.NextDouble();
        return TimeSpan.FromSeconds(seconds * (0.75 + (chance / 4)));
    }
}
