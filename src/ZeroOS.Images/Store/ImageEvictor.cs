using System.Text;

using ZeroOS.Flist;
using ZeroOS.Linux;

namespace ZeroOS.Images.Store;

/// <summary>
/// Deletes images that no machine uses when they are too many (<see cref="EvictionRule"/>): one task, at intervals and when asked. What a monitor still
/// holds is seen by the lock on its device and is left alone, also after a restart of the node.
/// </summary>
internal sealed class ImageEvictor(string imagesDirectory, string runDirectory, ImageStoreOptions options, ILog log)
{
    private const string TenantPrefix = "tenant-", Gone = "gone-";
    private readonly SemaphoreSlim _wanted = new(0), _running = new(1, 1);
    private Func<ImageFiles, bool> _isUsed = _ => true;
    private Func<ImageFiles, Task<IDisposable?>> _tryBegin = _ => Task.FromResult<IDisposable?>(null);
    private CancellationToken _stop;
    private int _asked;

    /// <summary>Done when the task is.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Bytes of the file system, and those free in it.</summary>
    public (long Capacity, long Free) Storage()
    {
        if (options.Storage is { } given)
            return given();
        DriveInfo drive = new(imagesDirectory);
        return (drive.TotalSize, drive.AvailableFreeSpace);
    }

    /// <summary>
    /// Starts the task. <paramref name="isUsed"/>: a machine uses the image. <paramref name="tryBegin"/> closes an image and keeps it from being opened until
    /// what it returns is disposed, or returns null.
    /// </summary>
    public void Start(Func<ImageFiles, bool> isUsed, Func<ImageFiles, Task<IDisposable?>> tryBegin, CancellationToken stop)
    {
        (_isUsed, _tryBegin, _stop) = (isUsed, tryBegin, stop);
        Ended = Task.Run(LoopAsync, CancellationToken.None);
    }

    /// <summary>Somebody needs room; any thread, returns at once.</summary>
    public void Want()
    {
        if (Interlocked.Exchange(ref _asked, 1) == 0)
            _wanted.Release();
    }

    /// <summary>The image was used until now.</summary>
    public void Touch(ImageFiles files)
    {
        try
        {
            File.SetLastWriteTimeUtc(files.Manifest, DateTime.UtcNow);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn($"image={files.Digest} its last use is not noted reason=\"{e.Message}\"");
        }
    }

    /// <summary>Takes the verified map of a closed image away, unless a monitor still reads it: what is opened again is hashed again.</summary>
    public void ForgetVerified(ImageFiles files)
    {
        try
        {
            using FileDescriptor? device = FileDescriptor.TryOpen(files.Device, OpenFlags.ReadOnly | OpenFlags.NoFollow, 0, out _);
            if (device is null || device.TryLock() == Errno.None)
                File.Delete(files.Verified);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn($"image={files.Digest} leaves its map behind reason=\"{e.Message}\"");
        }
    }

    /// <summary>The images of a scope that are on the disk, the latest used first. What a former node left half-written goes.</summary>
    public IReadOnlyList<ImageFiles> List(string scope)
    {
        string directory = Path.Combine(imagesDirectory, scope);
        List<(DateTime Used, ImageFiles Files)> found = [];
        try
        {
            if (!Directory.Exists(directory))
                return [];
            foreach (string path in Directory.EnumerateDirectories(directory))
            {
                if (!Sha256Digest.TryParse("sha256:" + Path.GetFileName(path), out Sha256Digest digest))
                    continue;
                ImageFiles files = new(imagesDirectory, runDirectory, scope, digest);
                found.Add((File.GetLastWriteTimeUtc(files.Manifest), files));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn($"images of earlier boots cannot be listed reason=\"{e.Message}\"");
        }
        return [.. found.OrderByDescending(f => f.Used).Select(f => f.Files)];
    }

    /// <summary>Takes away what nodes that ended in the middle left; nothing of this node may be under way.</summary>
    public void Sweep()
    {
        try
        {
            if (!Directory.Exists(imagesDirectory))
                return;
            foreach (string gone in Directory.EnumerateDirectories(imagesDirectory, Gone + "*", SearchOption.AllDirectories).ToList())
                Directory.Delete(gone, recursive: true);
            foreach (string half in Directory.EnumerateFiles(imagesDirectory, "*" + SmallFile.New, SearchOption.AllDirectories).ToList())
                File.Delete(half);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn($"images of earlier boots cannot be swept reason=\"{e.Message}\"");
        }
    }

    /// <summary>Looks once.</summary>
    public async Task RunOnceAsync()
    {
        await _running.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (!Directory.Exists(imagesDirectory))
                return;
            (long capacity, long free) = Storage();
            EvictionRule rule = EvictionRule.For(capacity);
            if (options.UnusedBytesOfTenant is { } bytes)
                rule = rule with { OwnerBytes = bytes };
            List<UnusedImage> unused = [.. Scopes().SelectMany(List).Where(f => !_isUsed(f)).Select(Describe)];
            foreach (UnusedImage image in rule.Choose(unused, free))
                await EvictAsync(image).ConfigureAwait(false);
        }
        finally
        {
            _running.Release();
        }
    }

    private IEnumerable<string> Scopes() => Directory.EnumerateDirectories(imagesDirectory, TenantPrefix + "*").Select(d => Path.GetFileName(d)).Prepend("");

    private static UnusedImage Describe(ImageFiles files)
    {
        string broughtBy = files.Scope.Length > 0 ? files.Scope : SmallFile.TryRead(files.BroughtBy, 256) is { } text ? Encoding.ASCII.GetString(text) : "";
        long bytes = FileEntry.AllocatedBytes(files.Device) + FileEntry.AllocatedBytes(files.Index);
        return new UnusedImage(files, broughtBy, bytes, File.GetLastWriteTimeUtc(files.Manifest));
    }

    // The directory gets another name first: a crash in the middle leaves nothing that looks like an image.
    private async Task EvictAsync(UnusedImage image)
    {
        ImageFiles files = image.Files;
        using IDisposable? begun = await _tryBegin(files).ConfigureAwait(false);
        if (begun is null)
            return;
        using FileDescriptor? device = FileDescriptor.TryOpen(files.Device, OpenFlags.ReadOnly | OpenFlags.NoFollow, 0, out _);
        if (device is not null && device.TryLock() != Errno.None)
            return; // a monitor of a machine that nobody has served yet
        string gone = Path.Combine(Path.GetDirectoryName(files.Directory)!, Gone + files.Digest.Hex);
        Directory.Move(files.Directory, gone);
        File.Delete(files.Verified);
        Directory.Delete(gone, recursive: true);
        log.Info($"image={files.Digest} evicted bytes={image.Bytes} unused since {image.LastUsed:s}");
    }

    private async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _wanted.WaitAsync(options.EvictionInterval, _stop).ConfigureAwait(false);
                Interlocked.Exchange(ref _asked, 0);
                await RunOnceAsync().ConfigureAwait(false);
                // Who writes into a full disk asks without end.
                await Task.Delay(TimeSpan.FromSeconds(1), _stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                log.Warn($"eviction of images failed: {e.GetType().Name}: {e.Message}");
            }
        }
    }
}
