using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Guest.Health;

/// <summary>What the node is to hear of the workload's health: the present state, and the last results, each once on each connection. Thread-safe.</summary>
internal sealed class HealthReports
{
    /// <summary>The position of a connection on which nothing was told yet.</summary>
    internal const long Nothing = -1;

    private readonly Lock _lock = new();
    private readonly Queue<GuestProbeResult> _results = [];
    private HealthState? _state;
    private int _failingStreak;

    /// <summary>How it is now, and the probe that says so.</summary>
    internal void Put(HealthState state, int failingStreak, GuestProbeResult? result)
    {
        lock (_lock)
        {
            (_state, _failingStreak) = (state, failingStreak);
            if (result is null)
                return;
            if (_results.Count == HealthLimits.Results)
                _results.Dequeue();
            _results.Enqueue(result);
        }
    }

    /// <summary>
    /// What comes after a position: the number of the last result that was told, or <see cref="Nothing"/>. Null: all was told, or there is no check.
    /// </summary>
    internal GuestHealthReport? Take(ref long position)
    {
        lock (_lock)
        {
            long told = position;
            GuestProbeResult? result = _results.FirstOrDefault(r => r.Number > told);
            if (_state is not { } state || (result is null && told != Nothing))
                return null;
            position = result?.Number ?? 0;
            return new GuestHealthReport { State = state, FailingStreak = _failingStreak, Result = result };
        }
    }
}
