using ZeroOS.Linux;

namespace ZeroOS.Host.Storage;

/// <summary>
/// The disks of the computer while the node runs: looked at when somebody asks, claimed and erased one at a time by a thread that lives as long as that takes.
/// Whether it may be done is the caller's to know. Any thread may call.
/// </summary>
public sealed class NodeDisks : IDisposable
{
    private readonly NodeStorage _storage;
    private readonly Func<IReadOnlyList<BlockDisk>> _find;
    private readonly ILog _log;
    private readonly TimeSpan _readAgainAfter;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private Work? _work;

    /// <summary>Of this computer.</summary>
    public NodeDisks(NodeStorage storage, ILog log) : this(storage, BlockDisk.Find, log, HeldDisk.ReadAgainAfter)
    {
    }

    internal NodeDisks(NodeStorage storage, Func<IReadOnlyList<BlockDisk>> find, ILog log, TimeSpan readAgainAfter) =>
        (_storage, _find, _log, _readAgainAfter) = (storage, find, log, readAgainAfter);

    /// <summary>Every disk, looked at now; nothing is written.</summary>
    public IReadOnlyList<SeenDisk> Look()
    {
        lock (_lock)
            return [.. _find().Select(See)];
    }

    /// <summary>
    /// Makes the disk the node's, in the background: <paramref name="accept"/> is called when everything was checked and before the first byte is written,
    /// <paramref name="done"/> at the end with what went wrong or null. The node uses the disk from its next start on.
    /// </summary>
    /// <exception cref="DiskRefusedException">It is not that disk, does not hold that any more, or may not be written.</exception>
    public SeenDisk Claim(string diskId, string contentId, Action accept, Action<string?> done) =>
        Begin("claiming", diskId, contentId, accept, done, (held, progress) =>
            held.Claim(_storage.NextClaim(), _storage.DiskTemplate(), progress, _readAgainAfter, _stop.Token));

    /// <summary>
    /// Writes zeros over the disk, in the background; else as <see cref="Claim"/>. The disk is empty then, and the node claims empty disks at its next start.
    /// </summary>
    /// <exception cref="DiskRefusedException">As for <see cref="Claim"/>.</exception>
    public SeenDisk Erase(string diskId, string contentId, Action accept, Action<string?> done) =>
        Begin("erasing", diskId, contentId, accept, done, (held, progress) => held.Erase(progress, _stop.Token));

    /// <summary>Stops what is being done to a disk, between two steps, and waits for that.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        Work? work;
        lock (_lock)
            work = _work;
        work?.Thread.Join();
        _stop.Dispose();
    }

    private SeenDisk Begin(string state, string diskId, string contentId, Action accept, Action<string?> done, Action<HeldDisk, Action<int>> write)
    {
        lock (_lock)
        {
            if (_work is { } other)
                throw new DiskRefusedException($"disk {other.Disk.Name} is still {other.State}; one disk at a time");
            BlockDisk[] found = [.. _find().Where(d => d.DiskId == diskId)];
            BlockDisk disk = found switch
            {
                [] => throw new DiskRefusedException("there is no such disk any more; zos node disk list shows those there are", isUnknown: true),
                [var one] => one,
                _ => throw new DiskRefusedException(
                    $"{found.Length} disks are the same to the node ({string.Join(", ", found.Select(f => f.Name))}); take out all but one"),
            };
            if (_storage.Uses(disk))
                throw new DiskRefusedException($"disk {disk.Name} is in use by this node");
            HeldDisk held = HeldDisk.Open(disk);
            try
            {
                if (held.ContentId != contentId)
                    throw new DiskRefusedException(
                        $"what is on disk {disk.Name} is not what the order was signed for; look again with zos node disk list, and sign a new one");
                accept();
            }
            catch
            {
                held.Dispose();
                throw;
            }
            Work work = new(disk, state);
            work.Thread = new Thread(() => Run(work, held, write, done)) { Name = "disk work", IsBackground = true };
            _work = work;
            work.Thread.Start();
            return See(disk);
        }
    }

    private void Run(Work work, HeldDisk held, Action<HeldDisk, Action<int>> write, Action<string?> done)
    {
        string? fault = null;
        using (held)
        {
            try
            {
                _log.Info($"event=disk-{work.State} disk={held.Disk.Name} serial={held.Disk.Serial} it {held.Finding.Reason}");
                write(held, percent => work.Percent = percent);
                _log.Info($"event=disk-done disk={held.Disk.Name} what={work.State}");
            }
            catch (OperationCanceledException)
            {
                fault = $"{work.State} disk {held.Disk.Name} was interrupted: the node stops";
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                fault = e.Message;
            }
        }
        if (fault is not null)
            _log.Error($"event=disk-failed disk={held.Disk.Name} what={work.State} message=\"{fault}\"");
        lock (_lock)
            _work = null;
        if (!_stop.IsCancellationRequested)
            done(fault);
    }

    private SeenDisk See(BlockDisk disk)
    {
        if (_work is { } work && work.Disk.DiskId == disk.DiskId)
            return new SeenDisk(disk, work.State, "", null, null, work.Percent);
        if (_storage.Uses(disk))
            return new SeenDisk(disk, "ours", "in use", null, null, null);
        if (disk.IsRemovable)
            return Seen(disk, DiskProbe.Classify(disk), null);
        using FileDescriptor? device = FileDescriptor.TryOpen(disk.Path, OpenFlags.ReadOnly, 0, out _);
        try
        {
            if (device is null)
                return Seen(disk, DiskProbe.Classify(disk), null);
            (DiskFinding finding, string content) = DiskProbe.Examine(device, disk);
            return Seen(disk, FoundDisks.Of(finding, _storage.PoolId), content);
        }
        catch (LinuxException e)
        {
            return new SeenDisk(disk, "broken", $"cannot be read: {e.Errno}", null, null, null);
        }
    }

    private static SeenDisk Seen(BlockDisk disk, DiskFinding finding, string? content) => new(disk, NodeStorage.Name(finding.State),
        finding.State == DiskState.Ours ? "this node's, but not in use: it is from the node's next start on" : finding.Reason, finding.Remedy,
        finding.IsSystemMedium ? null : content, null);

    /// <summary>What is being done to which disk.</summary>
    private sealed class Work(BlockDisk disk, string state)
    {
        internal BlockDisk Disk { get; } = disk;

        internal string State { get; } = state;

        internal volatile int Percent;

        internal Thread Thread { get; set; } = null!;
    }
}
