using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Loops;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Machines;

/// <summary>
/// Measures what one machine uses, for all who ask: its monitor and its guest are asked again only when the last answer is old. What they say is hostile. Lives
/// on the loop's thread.
/// </summary>
/// <param name="pid">The monitor.</param>
/// <param name="memoryBytes">Memory that the guest was made with.</param>
/// <param name="resident">What a process holds of the node's memory.</param>
/// <param name="ask">Asks the monitor for its counters.</param>
/// <param name="askGuest">Asks the guest for what it knows of its workload; false: it is not there, or will not answer.</param>
internal sealed class MachineMeter(int pid, long memoryBytes, Func<int, long> resident, Action ask, Func<bool> askGuest)
{
    /// <summary>So long an answer is new.</summary>
    internal const int FreshMs = 500;

    /// <summary>So long an answer is waited for.</summary>
    internal const int AnswerWithinMs = 2_000;

    private TaskCompletionSource<MachineUse>? _next;
    private MachineUse? _last;
    private IReadOnlyDictionary<string, long>? _counters;
    private GuestUse? _inside;
    private bool _guestAsked;
    private long _lastAt, _askedAt;

    /// <summary>When <see cref="Tick"/> has something to do.</summary>
    public long Due => _next is null ? long.MaxValue : _askedAt + AnswerWithinMs;

    /// <summary>What the machine uses now, or used a moment ago.</summary>
    public Task<MachineUse> Measure()
    {
        long now = ClientLoop.Now;
        if (_next is not null)
            return _next.Task;
        if (_last is not null && now - _lastAt < FreshMs)
            return Task.FromResult(_last);
        _next = new TaskCompletionSource<MachineUse>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<MachineUse> next = _next.Task;
        (_askedAt, _counters, _inside) = (now, null, null);
        ask();
        _guestAsked = askGuest();
        return next;
    }

    /// <summary>The monitor said something; an answer that nobody waits for is forgotten.</summary>
    public void Hear(IReadOnlyDictionary<string, long>? counters)
    {
        if (_next is null || counters is null)
            return;
        _counters ??= counters;
        AnswerWhenAllSaid();
    }

    /// <summary>As above, the guest.</summary>
    public void Hear(GuestUse use)
    {
        if (_next is null)
            return;
        _inside = use;
        AnswerWhenAllSaid();
    }

    /// <summary>Answers without whoever has had his time.</summary>
    public void Tick()
    {
        if (ClientLoop.Now >= Due)
            Answer();
    }

    /// <summary>The machine has ended.</summary>
    public void End()
    {
        _next?.TrySetException(new WorkloadException("not-running", "the machine ended"));
        _next = null;
    }

    private void AnswerWhenAllSaid()
    {
        if (_counters is not null && (_inside is not null || !_guestAsked))
            Answer();
    }

    private void Answer()
    {
        IReadOnlyDictionary<string, long>? counters = _counters;
        long? used = Of("balloon.guest.total") is { } total && Of("balloon.guest.available") is { } available ? total - available : null;
        _last = new MachineUse(MonitorProcessor.Nanoseconds(pid), resident(pid), memoryBytes, used is { } u ? Math.Clamp(u, 0, memoryBytes) : null,
            Sum("eth", ".rxBytes"), Sum("eth", ".txBytes"), Sum("vd", ".bytesRead"), Sum("vd", ".bytesWritten"))
        {
            Inside = _inside,
        };
        _lastAt = ClientLoop.Now;
        _next!.SetResult(_last);
        (_next, _counters, _inside) = (null, null, null);

        long? Of(string name) => counters is not null && counters.TryGetValue(name, out long value) ? value : null;

        long? Sum(string device, string counter) => counters?.Where(c => c.Key.StartsWith(device, StringComparison.Ordinal)
            && c.Key.EndsWith(counter, StringComparison.Ordinal)).Aggregate(0L, (sum, c) => sum + Math.Clamp(c.Value, 0, long.MaxValue - sum));
    }
}
