using ZeroOS.Flist;
using ZeroOS.Host.Fetch;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Images;

/// <summary>
/// An image on this node: its verified manifest, config and index, and a sparse device file that fills chunk by chunk. A chunk's bit in the verified map
/// is set after its bytes, hashed, are in the device file's page cache, and never otherwise (docs/flist.md, "On the node").
/// </summary>
internal sealed class Image : IImage
{
    private const int MaxSources = 8;

    private readonly ImageFiles _files;
    private readonly ImageServices _services;
    private readonly ChunkDirectory _directory;
    private readonly ResidentIndex _index;
    private readonly ChunkMap _hinted;
    private readonly VerifiedMap _verified;
    private readonly ChunkQueue _queue;
    private readonly ChunkFiller _filler;
    private readonly List<FetchSource> _sources = [];
    private readonly Lock _gate = new(), _persisting = new();
    private readonly Sha256Digest _indexDigest;
    private long _bytesHere;
    private int _persistPlanned, _runs;

    /// <summary>Opens the device, the hint and the verified map, or makes them. Everything that comes in was verified.</summary>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public Image(ImageFiles files, FlistManifest manifest, ResidentIndex resident, ImageConfig config, ChunkDirectory directory, ImageServices services)
    {
        (_files, _services, _directory, _index, Config, _indexDigest) = (files, services, directory, resident, config, manifest.Index.Digest);
        FlistIndex index = resident.Index;
        Log = new LogLimit(services.Log, burst: 8, refill: TimeSpan.FromSeconds(10));
        // A device that is not there must not find its chunks called verified or present; so those go first.
        if (FileNode.TryStatus(files.Device) is not { Kind: NodeKind.File } there || there.Size != index.DeviceSize)
        {
            File.Delete(files.Verified);
            File.Delete(files.Present);
            File.Delete(files.Device);
        }
        Device = FileDescriptor.Open(files.Device, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, 0x180);
        Device.SetLength(index.DeviceSize);
        _hinted = PresentFile.Load(files.Present, _indexDigest, index.ChunkCount);
        _verified = VerifiedMap.Open(files.Verified, index.ChunkCount);
        for (int i = 0; i < index.ChunkCount; i++)
        {
            FlistChunk chunk = index[i];
            BytesTotal += chunk.StoredLength;
            if (!_verified[i] && !_hinted[i])
                continue;
            _bytesHere += chunk.StoredLength;
            directory.Add(chunk.PlainDigest, this, i);
        }
        _queue = new ChunkQueue(index, IsReady, IsNear, IsHinted);
        _filler = new ChunkFiller(this, _queue, services);
    }

    /// <inheritdoc/>
    public string Digest => _files.Digest.ToString();

    /// <inheritdoc/>
    public ImageConfig Config { get; }

    /// <inheritdoc/>
    public long BytesFetched => Interlocked.Read(ref _bytesHere);

    /// <inheritdoc/>
    public long BytesTotal { get; }

    /// <inheritdoc/>
    public (string Reason, string Message)? Trouble => _queue.Trouble;

    /// <summary>Where every chunk is.</summary>
    internal FlistIndex Index => _index.Index;

    /// <summary>The device file, for reading and writing.</summary>
    internal FileDescriptor Device { get; }

    /// <summary>Lines about this image; what the image, its registry or a monitor causes goes this way.</summary>
    internal LogLimit Log { get; }

    /// <summary>How many chunks there are.</summary>
    internal int ChunkCount => Index.ChunkCount;

    /// <inheritdoc/>
    public (FileDescriptor Device, FileDescriptor Index, FileDescriptor Verified) OpenForMonitor() =>
        (FileDescriptor.Open(_files.Device, OpenFlags.ReadOnly | OpenFlags.NoFollow), FileDescriptor.Open(_files.Index, OpenFlags.ReadOnly | OpenFlags.NoFollow), _verified.OpenReadOnly());

    /// <summary>Returns at once; requests are served on the thread of all chunk sockets. Takes the socket.</summary>
    public void Serve(SeqPacketSocket nodeEnd) => _services.Sockets.Add(nodeEnd, this);

    /// <inheritdoc/>
    public void WorkloadRuns()
    {
        if (Interlocked.Exchange(ref _runs, 1) == 0)
            _filler.BeginFill();
    }

    /// <summary>One more place its bytes may come from; the same place again brings its newest credentials. What is needed at start is fetched from now on.</summary>
    internal void AddSource(FetchSource source)
    {
        lock (_gate)
        {
            _sources.RemoveAll(s => s.Url == source.Url && s.Repository == source.Repository);
            _sources.Insert(0, source);
            if (_sources.Count > MaxSources)
                _sources.RemoveAt(MaxSources);
        }
        _filler.Start();
    }

    /// <summary>The source for the nth attempt, or null while nobody has named one.</summary>
    internal FetchSource? Source(int attempt)
    {
        lock (_gate)
            return _sources.Count == 0 ? null : _sources[attempt % _sources.Count];
    }

    /// <summary>Somebody needs a chunk that the image has: it is ready, or comes and is told then.</summary>
    internal ChunkWait Need(int chunk, IChunkWaiter waiter)
    {
        ChunkWait wait = IsReady(chunk) ? ChunkWait.Ready : _queue.Wait(chunk, waiter);
        if (wait != ChunkWait.Ready)
            _filler.Start();
        return wait;
    }

    /// <summary>A waiter is gone.</summary>
    internal void Forget(IChunkWaiter waiter) => _queue.Forget(waiter);

    /// <summary>Whether a chunk may be read.</summary>
    internal bool IsReady(int chunk) => _verified[chunk];

    /// <summary>Whether a chunk can probably be had without a registry.</summary>
    internal bool IsNear(int chunk) => IsHinted(chunk) || _directory.Find(Index[chunk].PlainDigest) is not null;

    /// <summary>Gets a chunk that is on this node already: on the own device (a hint), or on another image's. False when neither has its bytes.</summary>
    /// <exception cref="LinuxException">The disk did not take it.</exception>
    internal bool TryTakeNear(int chunk, byte[] buffer)
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
        if (_directory.Find(record.PlainDigest) is not { } holder || (holder.Image == this && holder.Chunk == chunk))
            return false;
        if (!TryReadPlain(holder.Image, holder.Chunk, record, plain))
        {
            _directory.Remove(record.PlainDigest, holder.Image);
            return false;
        }
        // Sharing storage makes the file system write the source out first; below some blocks a copy is cheaper.
        const int CopyBelow = 64 * 1024;
        if (record.Length < CopyBelow
            || FileRange.TryClone(holder.Image.Device, holder.Image.Index[holder.Chunk].DeviceOffset, Device, record.DeviceOffset, record.Length) != Errno.None)
        {
            Device.WriteAt(plain, record.DeviceOffset);
        }
        Complete(chunk, isNew: true);
        return true;
    }

    /// <summary>Puts verified plain bytes in their place; the chunk may be read from then on.</summary>
    /// <exception cref="LinuxException">The disk did not take it; nothing changed for readers.</exception>
    internal void Put(int chunk, ReadOnlySpan<byte> plain)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(plain.Length, Index[chunk].Length);
        Device.WriteAt(plain, Index[chunk].DeviceOffset);
        Complete(chunk, isNew: true);
    }

    /// <summary>Ends when its work has; the stop signal of the services has been given.</summary>
    internal Task EndedAsync() => _filler.Ended;

    /// <summary>Writes the hint a last time and closes its files.</summary>
    internal void Close()
    {
        try
        {
            Persist();
        }
        catch (IOException e)
        {
            Log.Write($"image={Digest} hint not written reason=\"{e.Message}\"");
        }
        _verified.Dispose();
        Device.Dispose();
        _index.Dispose();
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
        Log.Write($"image={Digest} chunk={chunk} on disk is not what it was; fetching it again");
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
                _filler.Track(PersistLaterAsync());
        }
        foreach (IChunkWaiter waiter in _queue.End(chunk))
            waiter.Ready(chunk);
    }

    private async Task PersistLaterAsync()
    {
        try
        {
            await Task.Delay(_services.Options.PersistDelay, _services.Stop).ConfigureAwait(false);
            Interlocked.Exchange(ref _persistPlanned, 0);
            Persist();
        }
        catch (OperationCanceledException)
        {
            // Close writes it.
        }
        catch (Exception e)
        {
            // Only a hint: without it the next boot fetches again what this one had.
            Log.Write($"image={Digest} hint not written reason=\"{e.Message}\"");
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
            PresentFile.Save(_files.Present, _indexDigest, map);
        }
    }
}
