using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Farm;
using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>
/// All images of the node. An image fetched anonymously is everybody's; one fetched with credentials belongs to its tenant, is kept apart, and lends
/// its chunks to nobody else. A crash at any point leaves files that the next start verifies, or throws away and fetches again.
/// </summary>
public sealed class ImageStore : IImages, IAsyncDisposable
{
    private const string Everybody = "";

    private readonly string _imagesDirectory, _runDirectory;
    private readonly Func<FarmSettings?> _settings;
    private readonly ImageServices _services;
    private readonly ImageLoader _loader;
    private readonly ImageEvictor _evictor;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<(string Scope, Sha256Digest Digest), ImageEntry> _entries = [];
    private readonly Dictionary<(string Scope, Sha256Digest Digest, FetchSource Source), Task<bool>> _fetches = [];
    private readonly Dictionary<string, (ChunkDirectory Chunks, Lazy<Task> Neighbours)> _scopes = [];
    private readonly Lock _gate = new();

    /// <summary>
    /// A store in <paramref name="imagesDirectory"/> (on the node's disk), with the verified maps in <paramref name="runDirectory"/> (in a file system
    /// that does not outlive a boot). Both are made if missing. Nothing is read before the first image is asked for.
    /// </summary>
    public ImageStore(string imagesDirectory, string runDirectory, Func<FarmSettings?> settings, FetchClient fetch, ILog log, ImageStoreOptions? options = null)
    {
        (_imagesDirectory, _runDirectory, _settings) = (imagesDirectory, runDirectory, settings);
        options ??= new ImageStoreOptions();
        // All images together: many of them must not be louder than one.
        LimitedLog lines = new(log, new LineLimits(TimeProvider.System, burst: 8, refill: TimeSpan.FromSeconds(10), sumBurst: 50, sumPerSecond: 1));
        _evictor = new ImageEvictor(imagesDirectory, runDirectory, options, lines);
        _services = new ImageServices(fetch, new ChunkSocketLoop(lines), options,
            new StorageRoom(_evictor.Storage, options.ReserveBytes, _evictor.Want), lines, _stop.Token);
        _loader = new ImageLoader(_services);
        _evictor.Start(IsUsed, TryBeginEvictionAsync, _stop.Token);
    }

    /// <inheritdoc/>
    public async Task<IImage> PrepareAsync(string tenant, FlistReference reference, CancellationToken cancellation)
    {
        FetchSource source = Resolve(tenant, reference, out Sha256Digest digest);
        string scope = reference.Auth is null ? Everybody : ImageFiles.FolderOf(tenant);
        await NeighboursAsync(scope).WaitAsync(cancellation).ConfigureAwait(false);
        ImageEntry entry = await EnterAsync((scope, digest), tenant, cancellation).ConfigureAwait(false);
        ImageUse use = new(() => Begin(entry, tenant), () => End(entry, tenant));
        try
        {
            // What is fetched is the tenant's own affair; opening what is on the disk is everybody's.
            bool proven = entry.Image is null && await FetchAsync(scope, digest, source).WaitAsync(cancellation).ConfigureAwait(false);
            Image image = await Opening((scope, digest), entry).WaitAsync(cancellation).ConfigureAwait(false);
            HoldIndexes(tenant, entry);
            if (proven)
                image.Sources.Prove(source);
            return new ImageLease(image, source, use, _services.Sockets);
        }
        catch
        {
            use.Dispose();
            throw;
        }
    }

    /// <summary>Stops all work, writes the hints and closes the files; monitors keep what they were handed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _services.Sockets.Dispose();
        await _evictor.Ended.ConfigureAwait(false);
        List<Task> ends = [];
        lock (_gate)
        {
            ends.AddRange(_fetches.Values);
            ends.AddRange(_entries.Values.Select(e => e.Opening).OfType<Task>());
        }
        await Task.WhenAll(ends).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<Image> open;
        lock (_gate)
            open = [.. _entries.Values.Select(e => e.Image).OfType<Image>()];
        await Task.WhenAll(open.Select(i => i.CloseAsync())).ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>Evicts what has to go, now; for tests, and done by itself at intervals.</summary>
    internal Task EvictAsync() => _evictor.RunOnceAsync();

    /// <summary>Images whose indexes are mapped now.</summary>
    internal int OpenImages
    {
        get
        {
            lock (_gate)
                return _entries.Values.Count(e => e.Image is not null && e.Closing is null);
        }
    }

    private FetchSource Resolve(string tenant, FlistReference reference, out Sha256Digest digest)
    {
        if (!Sha256Digest.TryParse(reference.Digest, out digest))
            throw new WorkloadException("image-invalid", $"\"{reference.Digest}\" is not the digest of a flist", permanent: true);
        if (!RegistryReference.TryParse(reference.Reference, out RegistryReference? parsed, out string? error))
            throw new WorkloadException("image-invalid", error, permanent: true);
        if (_settings()?.Registries.GetValueOrDefault(parsed.Registry) is not { } registry)
            throw new WorkloadException("registry-unknown",
                $"this farm has no registry \"{parsed.Registry}\"; its owner can add one to the farm settings", permanent: true);
        return new FetchSource(parsed.Registry, registry.Url, registry.PlainHttp, parsed.Repository, reference.Auth, tenant);
    }

    private ImageFiles Files(string scope, Sha256Digest digest) => new(_imagesDirectory, _runDirectory, scope, digest);

    // The entry with one more use of the tenant's, after whatever is closing or evicting the image has ended.
    private async Task<ImageEntry> EnterAsync((string Scope, Sha256Digest Digest) key, string tenant, CancellationToken cancellation)
    {
        while (true)
        {
            Task closing;
            lock (_gate)
            {
                if (!_entries.TryGetValue(key, out ImageEntry? entry))
                    _entries[key] = entry = new ImageEntry();
                if (entry.Closing is null)
                {
                    Begin(entry, tenant);
                    return entry;
                }
                closing = entry.Closing;
            }
            await closing.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private void Begin(ImageEntry entry, string tenant)
    {
        lock (_gate)
        {
            entry.Uses[tenant] = entry.Uses.GetValueOrDefault(tenant) + 1;
            if (entry.Image is { } image)
                image.InUse = true;
        }
    }

    private void End(ImageEntry entry, string tenant)
    {
        Image? idle;
        lock (_gate)
        {
            if (--entry.Uses[tenant] == 0)
                entry.Uses.Remove(tenant);
            if (entry.Uses.Count > 0)
                return;
            entry.LastUsed = DateTime.UtcNow;
            idle = entry.Image;
            if (idle is not null)
                idle.InUse = false;
            TrimIdle();
        }
        if (idle is not null)
            _evictor.Touch(idle.Files);
        _evictor.Want();
    }

    // One fetch for all machines of a tenant that name the same place; another tenant never waits for it.
    private Task<bool> FetchAsync(string scope, Sha256Digest digest, FetchSource source)
    {
        (string, Sha256Digest, FetchSource) key = (scope, digest, source);
        lock (_gate)
        {
            if (_fetches.TryGetValue(key, out Task<bool>? fetching) && !fetching.IsCompleted)
                return fetching;
            Task<bool> begun = Task.Run(() => _loader.FetchAsync(Files(scope, digest), source), CancellationToken.None);
            _fetches[key] = begun;
            _ = begun.ContinueWith(ended => Fetched(key, ended), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return begun;
        }
    }

    private void Fetched((string Scope, Sha256Digest Digest, FetchSource Source) key, Task<bool> ended)
    {
        lock (_gate)
        {
            if (_fetches.GetValueOrDefault(key) == ended)
                _fetches.Remove(key);
        }
    }

    private Task<Image> Opening((string Scope, Sha256Digest Digest) key, ImageEntry entry)
    {
        lock (_gate)
        {
            if (entry.Opening is null || entry.Opening.IsFaulted || entry.Opening.IsCanceled)
                entry.Opening = Task.Run(() => OpenAsync(key, entry), CancellationToken.None);
            return entry.Opening;
        }
    }

    private async Task<Image> OpenAsync((string Scope, Sha256Digest Digest) key, ImageEntry entry)
    {
        Image image = await _loader.OpenAsync(Files(key.Scope, key.Digest), Scope(key.Scope).Chunks).ConfigureAwait(false);
        lock (_gate)
            image.InUse = entry.Uses.Count > 0;
        return image;
    }

    // What an image decides the size of is limited for each tenant and in sum; the tenant has its use already.
    private void HoldIndexes(string tenant, ImageEntry entry)
    {
        lock (_gate)
        {
            List<ImageEntry> used = [.. _entries.Values.Where(e => e.Uses.Count > 0 && e.Image is not null)];
            if (used.Where(e => e.Uses.ContainsKey(tenant)).Sum(e => e.Image!.IndexBytes) > _services.Options.TenantIndexBytes && entry.Uses[tenant] == 1)
                throw new WorkloadException("over-capacity", $"the indexes of your images take more than {_services.Options.TenantIndexBytes >> 20} MiB");
            if (used.Sum(e => e.Image!.IndexBytes) > _services.Options.TotalIndexBytes && entry.Uses.Count == 1 && entry.Uses[tenant] == 1)
                throw new WorkloadException("over-capacity", "the indexes of the images in use take all that the node has for them");
        }
    }

    // Images that nobody uses lend their chunks as long as there is room for their indexes; the least recently used leave memory first.
    private void TrimIdle()
    {
        List<((string Scope, Sha256Digest Digest) Key, ImageEntry Entry)> idle =
            [.. _entries.Where(e => e.Value.Uses.Count == 0 && e.Value.Closing is null).OrderByDescending(e => e.Value.LastUsed).Select(e => (e.Key, e.Value))];
        long bytes = 0;
        int count = 0;
        foreach (((string Scope, Sha256Digest Digest) key, ImageEntry entry) in idle)
        {
            if (entry.Image is not { } image)
            {
                if (entry.Opening is not { IsCompleted: false })
                    _entries.Remove(key); // it never came to be one
            }
            else if ((bytes += image.IndexBytes) > _services.Options.IdleIndexBytes || ++count > _services.Options.IdleImages)
            {
                entry.Closing = Task.Run(() => CloseAsync(key, entry, image));
            }
        }
    }

    private async Task CloseAsync((string Scope, Sha256Digest Digest) key, ImageEntry entry, Image image)
    {
        await image.CloseAsync().ConfigureAwait(false);
        _evictor.ForgetVerified(image.Files);
        lock (_gate)
        {
            if (_entries.GetValueOrDefault(key) == entry)
                _entries.Remove(key);
        }
    }

    private bool IsUsed(ImageFiles files)
    {
        lock (_gate)
            return _entries.GetValueOrDefault((files.Scope, files.Digest)) is { } entry
                && (entry.Uses.Count > 0 || entry.Closing is not null || entry.Opening is { IsCompleted: false });
    }

    // Null: a machine uses it. Otherwise nobody opens it before the disposal of what is returned.
    private async Task<IDisposable?> TryBeginEvictionAsync(ImageFiles files)
    {
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Image? open;
        lock (_gate)
        {
            if (IsUsed(files))
                return null;
            open = _entries.GetValueOrDefault((files.Scope, files.Digest))?.Image;
            _entries[(files.Scope, files.Digest)] = new ImageEntry { Closing = ended.Task };
        }
        if (open is not null)
            await open.CloseAsync().ConfigureAwait(false);
        return new ImageUse(() => { }, () =>
        {
            lock (_gate)
                _entries.Remove((files.Scope, files.Digest));
            ended.SetResult();
        });
    }

    private (ChunkDirectory Chunks, Lazy<Task> Neighbours) Scope(string scope)
    {
        lock (_gate)
        {
            if (_scopes.TryGetValue(scope, out (ChunkDirectory Chunks, Lazy<Task> Neighbours) known))
                return known;
            ChunkDirectory chunks = new(scope == Everybody ? null : Scope(Everybody).Chunks);
            return _scopes[scope] = (chunks, new Lazy<Task>(() => Task.Run(() => LoadNeighboursAsync(scope))));
        }
    }

    private async Task NeighboursAsync(string scope)
    {
        await Scope(Everybody).Neighbours.Value.ConfigureAwait(false);
        await Scope(scope).Neighbours.Value.ConfigureAwait(false);
    }

    // Images of earlier boots lend their chunks, so they are opened before the first new one is, the latest used first and within the room that idle images
    // have. What is damaged is left alone until it is asked for. Nothing here may throw: every image of the scope waits for it.
    private async Task LoadNeighboursAsync(string scope)
    {
        long bytes = 0;
        if (scope == Everybody)
            _evictor.Sweep();
        foreach (ImageFiles files in _evictor.List(scope).Take(_services.Options.IdleImages))
        {
            try
            {
                bytes += new FileInfo(files.Index) is { Exists: true } index ? index.Length : 0;
                if (bytes > _services.Options.IdleIndexBytes)
                    return;
                ImageEntry entry = new() { LastUsed = File.GetLastWriteTimeUtc(files.Manifest) };
                Image image = await _loader.OpenAsync(files, Scope(scope).Chunks).ConfigureAwait(false);
                entry.Opening = Task.FromResult(image);
                bool taken;
                lock (_gate)
                    taken = _entries.TryAdd((scope, files.Digest), entry);
                if (!taken)
                    await image.CloseAsync().ConfigureAwait(false);
            }
            catch (WorkloadException e)
            {
                _services.Log.Warn($"image={files.Digest} left alone reason={e.Reason} \"{e.Message}\"");
            }
            catch (Exception e)
            {
                _services.Log.Warn($"image={files.Digest} left alone: {e.GetType().Name}: {e.Message}");
            }
        }
    }
}
