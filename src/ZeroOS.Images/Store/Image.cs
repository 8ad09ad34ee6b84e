using ZeroOS.Flist;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>
/// An image on this node: its verified index, and a sparse device file that fills chunk by chunk. A chunk's bit in the verified map is set after its bytes,
/// hashed, are in the device file's page cache, and never otherwise (docs/flist.md, "On the node"). Whoever reads the index or the map holds a pin; the
/// last pin of a closed image unmaps them.
/// </summary>
internal sealed class Image
{
    private readonly ImageFiles _files;
    private readonly ImageServices _services;
    private readonly ChunkDirectory _directory;
    private readonly MappedIndex _index;
    private readonly ChunkMap _hinted;
    private readonly VerifiedMap _verified;
    private readonly ChunkQueue _queue;
    private readonly ChunkFiller _filler;
    private readonly FlistManifest _manifest;
    private readonly CancellationTokenSource _stop;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new(), _persisting = new(), _life = new();
    private long _bytesHere;
    private int _persistPlanned, _runs, _pins;
    private bool _closing;
    private volatile bool _inUse;

    /// <summary>Opens the device, the hint and the verified map, or makes them. Everything that comes in was verified. Takes the index.</summary>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public Image(ImageFiles files, FlistManifest manifest, long manifestBytes, MappedIndex index, ChunkDirectory directory, ImageServices services)
    {
        (_files, _services, _directory, _index, _manifest) = (files, services, directory, index, manifest);
        (DeviceSize, ChunkCount) = (Index.DeviceSize, Index.ChunkCount);
        // A device that is not there must not find its chunks called verified or present; so those go first.
        if (FileEntry.TryStatus(files.Device) is not { Kind: EntryKind.File } there || there.Size != DeviceSize)
        {
            File.Delete(files.Verified);
            File.Delete(files.Present);
            File.Delete(files.Device);
        }
        Device = FileDescriptor.Open(files.Device, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, Mode.OwnerOnly);
        Device.SetLength(DeviceSize);
        _hinted = PresentFile.Load(files.Present, manifest.Index.Digest, ChunkCount);
        _verified = VerifiedMap.Open(files.Verified, ChunkCount);
        BytesCounted = manifestBytes + manifest.Config.Size + manifest.Index.Size;
        for (int i = 0; i < ChunkCount; i++)
        {
            FlistChunk chunk = Index[i];
            BytesTotal += chunk.StoredLength;
            BytesCounted += chunk.Length;
            if (!_verified[i] && !_hinted[i])
                continue;
            _bytesHere += chunk.StoredLength;
            directory.Add(chunk.PlainDigest, this, i);
        }
        _stop = CancellationTokenSource.CreateLinkedTokenSource(services.Stop);
        Stop = _stop.Token;
        _queue = new ChunkQueue(Index, IsReady, IsNear, IsHinted);
        _filler = new ChunkFiller(this, _queue, services);
    }

    /// <summary>"sha256:..." of its manifest.</summary>
    public string Digest => _files.Digest.ToString();

    /// <summary>Where its files are.</summary>
    public ImageFiles Files => _files;

    /// <summary>Stored bytes of its chunks that are here.</summary>
    public long BytesFetched => Interlocked.Read(ref _bytesHere);

    /// <summary>Stored bytes of all its chunks.</summary>
    public long BytesTotal { get; }

    /// <summary>Bytes it takes of the disk when all of it is here: plain chunks, index, config and manifest.</summary>
    public long BytesCounted { get; }

    /// <summary>Why reads wait just now, or null.</summary>
    public (string Reason, string Message)? Trouble => _queue.Trouble;

    /// <summary>Where its bytes may come from.</summary>
    public ImageSources Sources { get; } = new();

    /// <summary>Lines about this image; what the image, its registry or a monitor causes goes this way.</summary>
    public ILog Log => _services.Log;

    /// <summary>Bytes of the index.</summary>
    public long IndexBytes => _manifest.Index.Size;

    /// <summary>Bytes of the device.</summary>
    public long DeviceSize { get; }

    /// <summary>How many chunks there are.</summary>
    public int ChunkCount { get; }

    /// <summary>Where every chunk is; valid while the image is pinned.</summary>
    public FlistIndex Index => _index.Index;

    /// <summary>The device file, for reading and writing; valid while the image is pinned.</summary>
    public FileDescriptor Device { get; }

    /// <summary>Cancelled when the image is closed or the store stops.</summary>
    public CancellationToken Stop { get; }

    /// <summary>A machine or a monitor uses it; without, nothing is fetched that nobody waits for.</summary>
    public bool InUse
    {
        get => _inUse;
        set
        {
            _inUse = value;
            if (!value)
                _queue.Prefetch(false);
        }
    }

    /// <summary>Reads the config, whose digest is checked again: it is needed once for each start of a machine and not kept in memory.</summary>
    /// <exception cref="WorkloadException">It cannot be read as it was.</exception>
    public ImageConfig ReadConfig()
    {
        try
        {
            if (SmallFile.TryRead(_files.Config, FlistFormat.MaxConfigBytes) is { } bytes && Sha256Digest.Of(bytes) == _manifest.Config.Digest)
                return ImageConfigReader.Parse(bytes);
        }
        catch (Exception e) when (e is IOException or FlistFormatException)
        {
            Log.Warn($"image={Digest} config cannot be read reason=\"{e.Message}\"");
        }
        throw new WorkloadException("storage-failed", "the image's config on the node's disk is not what it was");
    }

    /// <summary>Opens what a monitor is handed. The lock on the device lasts as long as the monitor's descriptor: what is locked is not evicted.</summary>
    public (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor()
    {
        FileDescriptor device = FileDescriptor.Open(_files.Device, OpenFlags.ReadOnly | OpenFlags.NoFollow);
        if (device.TryLock(shared: true) is var errno && errno != Errno.None)
            throw new LinuxException(errno, "flock", _files.Device);
        return (device, FileDescriptor.Open(_files.Index, OpenFlags.ReadOnly | OpenFlags.NoFollow), _verified.OpenReadOnly());
    }

    /// <summary>It was counted for somebody: what is needed at start is fetched from now on.</summary>
    public void Allow()
    {
        _queue.Prefetch(true);
        _filler.Start();
    }

    /// <summary>The workload runs: the background fill may begin.</summary>
    public void WorkloadRuns()
    {
        if (Interlocked.Exchange(ref _runs, 1) == 0)
            Run(_filler.FillAsync);
    }

    /// <summary>The background fill has ended; another workload may begin it again.</summary>
    public void FillEnded() => Interlocked.Exchange(ref _runs, 0);

    /// <summary>Somebody needs a chunk that the image has: it is ready, or comes and is told then.</summary>
    public ChunkWait Need(int chunk, IChunkWaiter waiter)
    {
        ChunkWait wait = IsReady(chunk) ? ChunkWait.Ready : _queue.Wait(chunk, waiter);
        if (wait != ChunkWait.Ready)
            _filler.Start();
        return wait;
    }

    /// <summary>A waiter is gone.</summary>
    public void Forget(IChunkWaiter waiter) => _queue.Forget(waiter);

    /// <summary>Runs work of this image on the thread pool, pinned. Its boundary: what it throws is logged and ends nothing else.</summary>
    public void Run(Func<Task> work)
    {
        if (TryPin())
            _ = RunPinnedAsync(work);
    }

    /// <summary>Keeps the index and the map mapped until <see cref="Unpin"/>; false when the image is closed.</summary>
    public bool TryPin()
    {
        lock (_life)
        {
            _pins += _closing ? 0 : 1;
            return !_closing;
        }
    }

    /// <summary>Ends a <see cref="TryPin"/>.</summary>
    public void Unpin()
    {
        lock (_life)
        {
            if (--_pins > 0 || !_closing)
                return;
        }
        Finish();
    }

    /// <summary>
    /// Ends its work, writes the hint a last time and closes its files; done when that is. Nobody may use it any more, but for pins that end by themselves.
    /// </summary>
    public Task CloseAsync()
    {
        lock (_life)
        {
            if (_closing)
                return _closed.Task;
            _closing = true;
            _stop.Cancel();
            if (_pins > 0)
                return _closed.Task;
        }
        Finish();
        return _closed.Task;
    }

    /// <summary>Whether a chunk may be read.</summary>
    public bool IsReady(int chunk) => _verified[chunk];

    /// <summary>Whether a chunk can probably be had without a registry.</summary>
    public bool IsNear(int chunk) => IsHinted(chunk) || _directory.Find(Index[chunk].PlainDigest) is not null;

    /// <summary>Gets a chunk that is on this node already: on the own device (a hint), or on another image's. False when neither has its bytes.</summary>
    /// <exception cref="LinuxException">The disk did not take it.</exception>
    public bool TryTakeNear(int chunk, byte[] buffer)
    {
        FlistChunk record = Index[chunk];
        Span<byte> plain = buffer.AsSpan(0, record.Length);
        if (IsHinted(chunk))
        {
            if (TryReadPlain(this, chunk, record, plain))
            {
                Complete(chunk, isNew: false);
                return true;
            }
            DropHint(chunk, record);
        }
        if (_directory.Find(record.PlainDigest) is not { } holder || (holder.Image == this && holder.Chunk == chunk) || !holder.Image.TryPin())
            return false;
        try
        {
            if (!TryReadPlain(holder.Image, holder.Chunk, record, plain))
            {
                _directory.Remove(record.PlainDigest, holder.Image);
                return false;
            }
            _services.Room.Require(record.Length);
            // Sharing storage makes the file system write the source out first; below some blocks a copy is cheaper.
            const int CopyBelow = 64 * 1024;
            if (record.Length < CopyBelow
                || FileRange.TryClone(holder.Image.Device, holder.Image.Index[holder.Chunk].DeviceOffset, Device, record.DeviceOffset,
                    record.Length) != Errno.None)
            {
                Device.WriteAt(plain, record.DeviceOffset);
            }
        }
        finally
        {
            holder.Image.Unpin();
        }
        Complete(chunk, isNew: true);
        return true;
    }

    /// <summary>Puts verified plain bytes in their place; the chunk may be read from then on.</summary>
    /// <exception cref="LinuxException">The disk did not take it, or only the node's reserve is left; nothing changed for readers.</exception>
    public void Put(int chunk, ReadOnlySpan<byte> plain)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(plain.Length, Index[chunk].Length);
        _services.Room.Require(plain.Length);
        Device.WriteAt(plain, Index[chunk].DeviceOffset);
        Complete(chunk, isNew: true);
    }

    private static bool TryReadPlain(Image holder, int chunk, in FlistChunk record, Span<byte> plain)
    {
        FlistChunk held = holder.Index[chunk];
        if (held.Length != record.Length || held.PlainDigest != record.PlainDigest)
            return false;
        try
        {
            holder.Device.ReadExactlyAt(plain, held.DeviceOffset);
            return Sha256Digest.Of(plain) == record.PlainDigest;
        }
        catch (LinuxException)
        {
            return false; // a bad sector is a chunk that is not here
        }
    }

    private bool IsHinted(int chunk)
    {
        lock (_gate)
            return _hinted[chunk];
    }

    private void DropHint(int chunk, in FlistChunk record)
    {
        lock (_gate)
            _hinted[chunk] = false;
        Interlocked.Add(ref _bytesHere, -record.StoredLength);
        Log.Warn($"image={Digest} changed-on-disk chunk={chunk}: fetching it again");
    }

    private void Complete(int chunk, bool isNew)
    {
        _verified.Set(chunk);
        FlistChunk record = Index[chunk];
        if (isNew)
        {
            Interlocked.Add(ref _bytesHere, record.StoredLength);
            _directory.Add(record.PlainDigest, this, chunk);
            if (Interlocked.Exchange(ref _persistPlanned, 1) == 0)
                Run(PersistLaterAsync);
        }
        foreach (IChunkWaiter waiter in _queue.End(chunk))
            waiter.Ready(chunk);
    }

    private async Task RunPinnedAsync(Func<Task> work)
    {
        try
        {
            await Task.Run(work).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The image is closed.
        }
        catch (Exception e)
        {
            Log.Warn($"image={Digest} task-failed error={e.GetType().Name} message=\"{e.Message}\"");
        }
        finally
        {
            Unpin();
        }
    }

    private async Task PersistLaterAsync()
    {
        await Task.Delay(_services.Options.PersistDelay, Stop).ConfigureAwait(false);
        Interlocked.Exchange(ref _persistPlanned, 0);
        TryPersist();
    }

    // Only a hint: without it the next boot fetches again what this one had.
    private void TryPersist()
    {
        try
        {
            Persist();
        }
        catch (Exception e)
        {
            Log.Warn($"image={Digest} hint not written reason=\"{e.Message}\"");
        }
    }

    private void Persist()
    {
        lock (_persisting)
        {
            ChunkMap map = new(ChunkCount);
            for (int i = 0; i < ChunkCount; i++)
                map[i] = IsReady(i) || IsHinted(i);
            Device.SyncData();
            PresentFile.Save(_files.Present, _manifest.Index.Digest, map);
        }
    }

    private void Finish()
    {
        _directory.RemoveAll(this);
        TryPersist();
        _verified.Dispose();
        Device.Dispose();
        _index.Dispose();
        _stop.Dispose();
        _closed.SetResult();
    }
}
