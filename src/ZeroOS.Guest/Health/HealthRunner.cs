using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>
/// Asks whether the workload is well, one probe at a time, from its start until <see cref="End"/>. One thread sleeps, asks, and puts what it hears into the
/// reports.
/// </summary>
/// <param name="check">How and how often.</param>
/// <param name="probe">Asks once.</param>
/// <param name="reports">Where the results go.</param>
/// <param name="told">Called after each.</param>
internal sealed class HealthRunner(GuestHealth check, Probe probe, HealthReports reports, Action told)
{
    private readonly object _lock = new();
    private readonly HealthLedger _ledger = new(check, Environment.TickCount64);
    private bool _ended;

    /// <summary>Begins; the workload runs.</summary>
    internal void Start()
    {
        reports.Put(_ledger.State, 0, null);
        told();
        new Thread(Run, 256 * 1024) { Name = "health", IsBackground = true }.Start();
    }

    /// <summary>No probe begins any more, and one that is under way is not told. Returns at once.</summary>
    internal void End()
    {
        lock (_lock)
        {
            _ended = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Run()
    {
        for (long number = 1; WaitForNext(); number++)
        {
            long began = Environment.TickCount64, start = KernelClock.UnixTimeNs;
            ProbeOutcome outcome = Ask(began + check.TimeoutMs);
            lock (_lock)
            {
                if (_ended)
                    return;
                _ledger.Add(outcome.ExitCode == 0, began);
                reports.Put(_ledger.State, _ledger.FailingStreak, new GuestProbeResult
                {
                    Number = number,
                    StartMs = start / 1_000_000,
                    EndMs = KernelClock.UnixTimeNs / 1_000_000,
                    ExitCode = outcome.ExitCode,
                    Output = outcome.Output,
                });
            }
            told();
        }
    }

    private ProbeOutcome Ask(long untilMs)
    {
        try
        {
            return probe(untilMs);
        }
        catch (Exception e) when (e is IOException or SetupException)
        {
            return ProbeOutcome.Say(ProbeOutcome.NoAnswer, e.Message);
        }
    }

    private bool WaitForNext()
    {
        lock (_lock)
        {
            long now = Environment.TickCount64, due = now + _ledger.NextInMs(now);
            while (!_ended && now < due)
            {
                Monitor.Wait(_lock, (int)(due - now));
                now = Environment.TickCount64;
            }
            return !_ended;
        }
    }
}
