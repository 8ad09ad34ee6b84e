using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;

namespace ZeroOS.Node.Update;

/// <summary>The one update of the node, under way or the last: what is stored of it, how far it is, and whether another may begin. Thread-safe.</summary>
internal sealed class UpdateJournal(EngineStore store, UpdateDependencies dependencies)
{
    private readonly Lock _lock = new();
    private UpdateRecord? _record;
    private HealthFinding _missing;
    private long _done, _total;
    private bool _busy;

    /// <summary>What is stored of the last update, by whatever version.</summary>
    public UpdateRecord? Stored => store.Update;

    /// <summary>The highest version that was ever kept: what the database knows, or the ledger.</summary>
    public Version? HighestRelease => store.HighestRelease is { } known && !(known < dependencies.HighestRelease()) ? known : dependencies.HighestRelease();

    /// <summary>The update under way, or how the last one ended; null before the first.</summary>
    public UpdateStatus? Status
    {
        get
        {
            lock (_lock)
            {
                return _record is not { } record ? null : new UpdateStatus
                {
                    State = record.State,
                    Version = record.Version,
                    From = record.From,
                    DoneBytes = _done,
                    TotalBytes = _total,
                    Reason = record.Reason,
                    Message = record.Message ?? (record.State == UpdateState.Trial ? _missing.Message : null),
                };
            }
        }
    }

    /// <summary>Takes up what is known of the last update; nothing is stored.</summary>
    public void TakeUp(UpdateRecord? record)
    {
        lock (_lock)
            _record = record;
    }

    /// <summary>An update of so many bytes begins, and no other may.</summary>
    /// <exception cref="BusErrorException">conflict: one is under way.</exception>
    public void Begin(long totalBytes)
    {
        lock (_lock)
        {
            if (_busy || _record is { IsPending: true })
            {
                string which = _record is null ? "" : $": to {_record.Version}, {_record.State.ToString().ToLowerInvariant()}";
                throw new BusErrorException(ErrorCodes.Conflict, "an update is under way already" + which);
            }
            _busy = true;
            (_done, _total) = (0, totalBytes);
        }
    }

    /// <summary>It did not begin after all.</summary>
    public void NotBegun()
    {
        lock (_lock)
            _busy = false;
    }

    /// <summary>So many bytes have been fetched.</summary>
    public void Fetched(long bytes)
    {
        lock (_lock)
            _done = bytes;
    }

    /// <summary>What a trial looked for last and did not find.</summary>
    public void Missing(HealthFinding finding)
    {
        lock (_lock)
            _missing = finding;
    }

    /// <summary>Stores a state, with the message that caused it if one did, and tells owners and log.</summary>
    public void Remember(UpdateRecord record, MessageMark? mark = null)
    {
        if (record.State == UpdateState.Kept && Version.TryParse(record.Version, out Version? version) && !(version <= HighestRelease))
            dependencies.Kept(record.Version);
        store.SetUpdate(record, dependencies.Settings()?.Owners ?? [], mark);
        lock (_lock)
        {
            _record = record;
            _missing = HealthFinding.Well;
            _busy &= record.State != UpdateState.Failed; // whoever reads that it failed may ask again
        }
        string reason = record.Reason is null ? "" : $" reason={record.Reason}", message = record.Message is null ? "" : $" message=\"{record.Message}\"";
        dependencies.Log.Info($"update state={record.State.ToString().ToLowerInvariant()} from={record.From} version={record.Version}{reason}{message}");
    }
}
