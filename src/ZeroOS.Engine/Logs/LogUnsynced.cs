namespace ZeroOS.Engine.Logs;

/// <summary>What of one log is not on the medium yet. Thread-safe; nobody but <see cref="Sync"/> waits for the disk.</summary>
/// <param name="place">Where the log lies.</param>
/// <param name="sync">Brings a file or a folder onto the medium.</param>
/// <param name="changed">Called once when there is something, until the next <see cref="Sync"/>.</param>
internal sealed class LogUnsynced(LogPlace place, LogSync sync, Action changed)
{
    // Beside where segments begin, and behind them: what leads to a file is synced after the file.
    private const long Folder = long.MaxValue - 1, Parent = long.MaxValue;

    private readonly Lock _gate = new();
    private readonly Lock _syncing = new();     // whoever finds nothing left has waited for who took it
    private readonly SortedSet<long> _left = [];
    private bool _told;

    /// <summary>A segment, by where it begins, has more in it; what nobody is told of goes with the next that is told.</summary>
    public void Add(long segment, bool tell)
    {
        lock (_gate)
        {
            _left.Add(segment);
            if (tell)
                Tell();
        }
    }

    /// <summary>A segment was made, and perhaps the folder in which it is; its first record follows.</summary>
    public void Made(bool folder)
    {
        lock (_gate)
        {
            _left.Add(Folder);
            if (folder && place.Parent is not null)
                _left.Add(Parent);
        }
    }

    /// <summary>A segment was deleted.</summary>
    public void Remove(long segment)
    {
        lock (_gate)
            _left.Remove(segment);
    }

    /// <summary>All was deleted.</summary>
    public void Clear()
    {
        lock (_gate)
            _left.Clear();
    }

    /// <summary>Brings it all onto the medium: what is in the files, then what leads to them.</summary>
    /// <exception cref="IOException">The disk refuses; the rest is kept for another time.</exception>
    public void Sync()
    {
        lock (_syncing)
        {
            Queue<long> work;
            lock (_gate)
            {
                work = new(_left);
                _left.Clear();
                _told = false;
            }
            try
            {
                for (; work.TryPeek(out long next); work.Dequeue())
                    sync(PathOf(next), next is Folder or Parent);
            }
            finally
            {
                lock (_gate)
                    _left.UnionWith(work);
            }
        }
    }

    private string PathOf(long what) => what switch
    {
        Folder => place.Folder,
        Parent => place.Parent!,
        _ => place.PathOf(what),
    };

    private void Tell()
    {
        if (_told)
            return;
        _told = true;
        changed();
    }
}
