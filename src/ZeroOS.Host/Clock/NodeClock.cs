using System.Globalization;

using ZeroOS.Linux;

namespace ZeroOS.Host.Clock;

/// <summary>
/// The node's time: kept right by SNTP in the background, never waited for. The floor is when the image was built; the last known time is a
/// starting guess that SNTP may step back from; after the first synchronisation a large step is <c>clock-disputed</c> until an owner vouches.
/// </summary>
public sealed class NodeClock : IAsyncDisposable
{
    private const int MostServers = 8;
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(2), s_longestRetry = TimeSpan.FromSeconds(64), s_poll = TimeSpan.FromSeconds(1024),
        s_leaveAlone = TimeSpan.FromHours(1);
    private readonly ISystemClock _clock;
    private readonly DateTimeOffset _floor;
    private readonly Func<IReadOnlyList<string>> _servers;
    private readonly ILog _log;
    private readonly string _file;
    private readonly TimeSpan _patience;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _kick = new(0, 1);
    private readonly Dictionary<string, DateTimeOffset> _leftAlone = [];
    private readonly Lock _lock = new();
    private Task _loop = Task.CompletedTask;
    private DateTimeOffset? _approved;
    private (string Reason, string Message)? _trouble = ("clock-unsynced", "no time server has answered yet");

    /// <summary>Prepares it.</summary>
    /// <param name="stateDirectory">Where the last known time is kept.</param>
    /// <param name="imageBuilt">Time never goes before it.</param>
    /// <param name="servers">Names or addresses, asked anew each round: the farm's, or the lease's, or <see cref="WellKnown"/>.</param>
    /// <param name="log">One line per call.</param>
    public NodeClock(string stateDirectory, DateTimeOffset imageBuilt, Func<IReadOnlyList<string>> servers, ILog log)
        : this(stateDirectory, imageBuilt, servers, log, new KernelSystemClock())
    {
    }

    /// <summary>As above, by another clock; a server is waited for as long as <paramref name="patience"/>.</summary>
    internal NodeClock(string stateDirectory, DateTimeOffset imageBuilt, Func<IReadOnlyList<string>> servers, ILog log, ISystemClock clock,
        TimeSpan? patience = null)
    {
        _file = Path.Combine(stateDirectory, "clock");
        _floor = imageBuilt;
        _servers = servers;
        _log = log;
        _clock = clock;
        _patience = patience ?? SntpQuery.UsualPatience;
        // A node process that starts again under a kernel whose clock was right goes on under the strict rule.
        Synced = clock.IsSynchronized;
        if (Synced)
            _trouble = null;
    }

    /// <summary>For nodes whose farm and lease name none.</summary>
    public static IReadOnlyList<string> WellKnown { get; } = ["0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"];

    /// <summary>The clock was stepped after <see cref="Start"/>: what counts time must begin again.</summary>
    public event Action? Stepped;

    /// <summary>Time servers agreed with our clock, or it with them, since the kernel started.</summary>
    public bool Synced { get; private set; }

    /// <summary>The time now; trust it for expiry only when <see cref="Synced"/>.</summary>
    public DateTimeOffset Now => _clock.Now;

    /// <summary>What is wrong: "clock-unsynced", "clock-disputed", or null.</summary>
    public (string Reason, string Message)? Trouble
    {
        get
        {
            lock (_lock)
                return _trouble;
        }
    }

    /// <summary>Sets the clock to the best guess if it is surely wrong, and begins to ask; returns at once.</summary>
    public void Start()
    {
        DateTimeOffset guess = Stored() is { } stored && stored > _floor ? stored : _floor;
        if (_clock.Now < guess && !Synced)
        {
            _log.Info($"clock was={_clock.Now:O} guess={guess:O}");
            TryDo(() => _clock.Step(guess));
        }
        _loop = Task.Run(RunAsync);
    }

    /// <summary>The network changed: ask soon.</summary>
    public void Kick()
    {
        try
        {
            if (_kick.CurrentCount == 0)
                _kick.Release();
        }
        catch (SemaphoreFullException)
        {
            // Two at once are as good as one.
        }
    }

    /// <summary>An owner's signed word on what time it is: a disputed step to within ten minutes of it is made.</summary>
    public void Vouch(DateTimeOffset time)
    {
        lock (_lock)
            _approved = time;
        Kick();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        Store();
        _stop.Dispose();
        _kick.Dispose();
    }

    /// <summary>One round: asks everybody, and acts on what most say. True if the clock is right now.</summary>
    internal async Task<bool> RoundAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = _clock.Now;
        List<string> servers = [.. _servers().Where(s => !_leftAlone.TryGetValue(s, out DateTimeOffset until) || until < now).Take(MostServers)];
        (SntpOutcome Outcome, SntpSample Sample)[] answers =
            await Task.WhenAll(servers.Select(s => SntpQuery.AskAsync(s, _clock, _floor, _patience, cancellation))).ConfigureAwait(false);
        for (int i = 0; i < servers.Count; i++)
        {
            if (answers[i].Outcome == SntpOutcome.KissOfDeath)
                _leftAlone[servers[i]] = now + s_leaveAlone;
        }
        List<SntpSample> good = [.. answers.Where(a => a.Outcome == SntpOutcome.Good).Select(a => a.Sample)];
        if (ClockRules.Agree(good, servers.Count) is not { } agreed)
        {
            if (!Synced)
                Say("clock-unsynced", good.Count == 0 ? "no time server answers" : $"{good.Count} time servers answer and do not agree");
            return false;
        }
        return Act(agreed);
    }

    private bool Act(SntpSample agreed)
    {
        DateTimeOffset? approved;
        lock (_lock)
            approved = _approved;
        DateTimeOffset right = _clock.Now + agreed.Offset;
        switch (ClockRules.Decide(_clock.Now, agreed.Offset, _floor, Synced, approved))
        {
            case ClockAction.Disputed:
                Say("clock-disputed", $"time servers say {right:u}, {agreed.Offset.TotalMinutes:F0} minutes from the node's time: an owner must confirm");
                return false;
            case ClockAction.BelowFloor:
                Say("clock-disputed", $"time servers say {right:u}, before this image was built ({_floor:u})");
                return false;
            case ClockAction.Step:
                if (!TryDo(() => _clock.Step(right)))
                    return false;
                _log.Info($"clock step={agreed.Offset.TotalSeconds:F3}s");
                Stepped?.Invoke();
                break;
            default:
                if (!TryDo(() => _clock.Slew(agreed.Offset)))
                    return false;
                break;
        }
        TryDo(() => _clock.MarkSynchronized(agreed.Error));
        lock (_lock)
        {
            _trouble = null;
            _approved = null;
        }
        if (!Synced)
            _log.Info($"clock synced offset={agreed.Offset.TotalMilliseconds:F0}ms error={agreed.Error.TotalMilliseconds:F0}ms");
        Synced = true;
        Store();
        return true;
    }

    private async Task RunAsync()
    {
        TimeSpan retry = s_firstRetry;
        try
        {
            while (true)
            {
                bool right = await RoundAsync(_stop.Token).ConfigureAwait(false);
                retry = right ? s_firstRetry : TimeSpan.FromTicks(Math.Min(retry.Ticks * 2, s_longestRetry.Ticks));
                await _kick.WaitAsync(right ? s_poll : retry, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private void Say(string reason, string message)
    {
        lock (_lock)
        {
            if (_trouble?.Reason != reason)
                _log.Warn($"clock reason={reason} {message}");
            _trouble = (reason, message);
        }
    }

    private bool TryDo(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (LinuxException e)
        {
            Say("clock-unsynced", e.Message);
            return false;
        }
    }

    private DateTimeOffset? Stored()
    {
        try
        {
            return File.Exists(_file)
                && DateTimeOffset.TryParseExact(File.ReadAllText(_file).Trim(), "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset time)
                ? time : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Store()
    {
        try
        {
            File.WriteAllText(_file + ".new", _clock.Now.ToString("O", CultureInfo.InvariantCulture));
            File.Move(_file + ".new", _file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Warn($"clock: time not kept: {e.Message}");
        }
    }
}
