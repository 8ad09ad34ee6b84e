using ZeroOS.Linux;

namespace ZeroOS.Engine.Logs;

/// <summary>
/// Brings output onto the medium within a second of its arrival: one worker for all logs, which wakes only when one has changed. What came first waits
/// <see cref="Gather"/>; rounds begin a second apart, so no log is synced more often. Whoever adds output never waits for it. Thread-safe.
/// </summary>
internal sealed class LogSyncer : IDisposable
{
    /// <summary>Between the beginnings of two rounds. With the time that the disk takes, it is what a power cut may cost.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>How long the first output after a pause waits for more; also the least pause of a disk that needs longer than a second.</summary>
    public static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly Lock _round = new();       // held while the disk works, and never by who adds output
    private readonly TimeProvider _time;
    private readonly ILog? _log;
    private readonly ITimer _timer;
    private List<MachineLog> _changed = [];
    private long? _began;
    private bool _due, _ended;
    private volatile bool _failing;

    public LogSyncer(TimeProvider time, ILog? log)
    {
        (_time, _log) = (time, log);
        _timer = time.CreateTimer(_ => Round(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A log has something that is not on the medium. It says so once until it is synced.</summary>
    public void Add(MachineLog log)
    {
        lock (_gate)
        {
            _changed.Add(log);
            Arm();
        }
    }

    /// <summary>Brings one log onto the medium now. What the disk refuses is said once, until it has taken all of a round. False: it refused.</summary>
    public bool Sync(MachineLog log)
    {
        try
        {
            log.Sync();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
                _log?.Warn($"event=logs-not-synced message=\"{e.Message}; a power cut may cost output\"");
            _failing = true;
            return false;
        }
    }

    /// <summary>Ends the worker; what it has not done is done here.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _timer.Dispose();
        }
        SyncAll();
    }

    private void Arm()
    {
        if (_due || _ended || _changed.Count == 0)
            return;
        TimeSpan rest = _began is { } began ? Every - _time.GetElapsedTime(began) : TimeSpan.Zero;
        _due = _timer.Change(rest > Gather ? rest : Gather, Timeout.InfiniteTimeSpan);
    }

    private void Round()
    {
        SyncAll();
        lock (_gate)
        {
            _due = false;
            Arm();
        }
    }

    private void SyncAll()
    {
        lock (_round)
        {
            List<MachineLog> changed;
            lock (_gate)
            {
                _began = _time.GetTimestamp();
                (changed, _changed) = (_changed, []);
            }
            if (changed.Count(Sync) == changed.Count)
                _failing = false;
        }
    }
}
