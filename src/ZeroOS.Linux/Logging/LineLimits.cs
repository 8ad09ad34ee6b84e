namespace ZeroOS.Linux;

/// <summary>
/// How much each source of log lines may say: so many lines at once and one more now and then, and all sources together. The defaults are those of a whole
/// role. A line's source is its first two words ("machine=ab12 guest"): the subsystem, and whoever made it speak. For one thread.
/// </summary>
/// <param name="time">What time it is.</param>
/// <param name="burst">Lines of one source at once.</param>
/// <param name="refill">After how long one more line of a source may pass; <see cref="Refill"/> unless told.</param>
/// <param name="sumBurst">Lines of all sources at once.</param>
/// <param name="sumPerSecond">Lines of all sources a second, later.</param>
public sealed class LineLimits(TimeProvider time, int burst = LineLimits.Burst, TimeSpan? refill = null, int sumBurst = LineLimits.SumBurst,
    double sumPerSecond = LineLimits.SumPerSecond)
{
    /// <summary>Lines of one source at once.</summary>
    public const int Burst = 20;

    /// <summary>Lines of all sources at once; a start of the node says about a hundred.</summary>
    public const int SumBurst = 400;

    /// <summary>Lines of all sources a second, later: a fifth of what a serial console of 115,200 baud can show.</summary>
    public const int SumPerSecond = 20;

    /// <summary>Sources that are told apart; the others share one.</summary>
    public const int MaxSources = 512;

    /// <summary>Longest name of a source.</summary>
    private const int MaxName = 96;

    /// <summary>After how long one more line of a source may pass.</summary>
    public static readonly TimeSpan Refill = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, Bucket> _sources = new(StringComparer.Ordinal);
    private readonly double _perSecond = 1 / (refill ?? Refill).TotalSeconds;
    private readonly Bucket _others = new(burst, 1 / (refill ?? Refill).TotalSeconds, time);
    private readonly Bucket _sum = new(sumBurst, sumPerSecond, time);
    private DateTimeOffset _swept;

    /// <summary>Whether the line may be said, and how many of its source were not since the last one that was.</summary>
    public bool TryPass(string line, out long leftOut)
    {
        string source = Source(line);
        bool room = _sum.HasOne();
        // Without room for any line no source is remembered that was not known before.
        Bucket bucket = room ? Of(source) : _sources.GetValueOrDefault(source, _others);
        leftOut = 0;
        if (!room || !bucket.HasOne())
        {
            bucket.LeftOut++;
            return false;
        }
        bucket.Take();
        _sum.Take();
        (leftOut, bucket.LeftOut) = (bucket.LeftOut, 0);
        return true;
    }

    private Bucket Of(string source)
    {
        if (_sources.TryGetValue(source, out Bucket? known))
            return known;
        if (_sources.Count >= MaxSources && time.GetUtcNow() - _swept >= Refill)
            Sweep();
        return _sources.Count >= MaxSources ? _others : _sources[source] = new Bucket(burst, _perSecond, time);
    }

    /// <summary>Forgets sources that are quiet; the numbers they still owe are said with the next line of a source that shares.</summary>
    private void Sweep()
    {
        _swept = time.GetUtcNow();
        foreach (KeyValuePair<string, Bucket> source in _sources)
        {
            if (!source.Value.IsFull())
                continue;
            _others.LeftOut += source.Value.LeftOut;
            _sources.Remove(source.Key);        // allowed while it is walked
        }
    }

    private static string Source(string line)
    {
        int first = line.IndexOf(' ', StringComparison.Ordinal);
        int second = first < 0 ? -1 : line.IndexOf(' ', first + 1);
        return line[..Math.Min(second < 0 ? line.Length : second, MaxName)];
    }

    private sealed class Bucket(int most, double perSecond, TimeProvider time)
    {
        private double _lines = most;
        private DateTimeOffset _at = time.GetUtcNow();

        public long LeftOut { get; set; }

        public bool HasOne()
        {
            DateTimeOffset now = time.GetUtcNow();
            // A clock that is set back gives nothing, one that is set forward at most a full bucket.
            _lines = Math.Min(most, _lines + (Math.Max(0, (now - _at).TotalSeconds) * perSecond));
            _at = now;
            return _lines >= 1;
        }

        public void Take() => _lines--;

        public bool IsFull() => HasOne() && _lines >= most;
    }
}
