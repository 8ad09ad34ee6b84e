using System.Security.Cryptography;
using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Farm;
using ZeroOS.Flist;
using ZeroOS.Host.Fetch;
using ZeroOS.Oci.Registry;
using ZeroOS.Workloads;

namespace ZeroOS.Host.Images;

/// <summary>
/// All images of the node. An image fetched anonymously is everybody's; one fetched with credentials belongs to its tenant, is kept apart, and lends
/// its chunks to nobody else. A crash at any point leaves files that the next start verifies, or throws away and fetches again.
/// </summary>
public sealed class ImageStore : IImages, IAsyncDisposable
{
    private const string Everybody = "";
    private const int MaxNeighbours = 256;

    private readonly string _imagesDirectory, _runDirectory;
    private readonly Func<FarmSettings?> _settings;
    private readonly ImageServices _services;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<(string Scope, Sha256Digest Digest), Task<Image>> _images = [];
    private readonly Dictionary<string, (ChunkDirectory Chunks, Lazy<Task> Neighbours)> _scopes = [];
    private readonly SemaphoreSlim _loads = new(2, 2); // an index may have 64 MiB, and the node's heap is small
    private readonly Lock _gate = new();

    /// <summary>
    /// A store in <paramref name="imagesDirectory"/> (on the node's disk), with the verified maps in <paramref name="runDirectory"/> (in a file system
    /// that does not outlive a boot). Both are made if missing. Nothing is read before the first image is asked for.
    /// </summary>
    public ImageStore(string imagesDirectory, string runDirectory, Func<FarmSettings?> settings, FetchConnection fetch, Action<string> log, ImageStoreOptions? options = null)
    {
        (_imagesDirectory, _runDirectory, _settings) = (imagesDirectory, runDirectory, settings);
        // All images together: many of them must not be louder than one.
        LogLimit lines = new(log, burst: 50, refill: TimeSpan.FromSeconds(1));
        _services = new ImageServices(fetch, new ChunkSocketLoop(lines.Write), options ?? new ImageStoreOptions(), new SemaphoreSlim(1, 1), lines.Write, _stop.Token);
    }

    /// <inheritdoc/>
    public async Task<IImage> PrepareAsync(string tenant, FlistReference reference, CancellationToken cancellation)
    {
        FetchSource source = Resolve(reference, out Sha256Digest digest);
        string scope = reference.Auth is null ? Everybody : TenantFolder(tenant);
        await NeighboursAsync(scope).WaitAsync(cancellation).ConfigureAwait(false);
        Task<Image> loading;
        lock (_gate)
        {
            if (!_images.TryGetValue((scope, digest), out loading!) || loading.IsFaulted || loading.IsCanceled)
                _images[(scope, digest)] = loading = Task.Run(() => LoadAsync(scope, digest, source), CancellationToken.None);
        }
        try
        {
            Image image = await loading.WaitAsync(cancellation).ConfigureAwait(false);
            image.AddSource(source);
            return image;
        }
        catch (WorkloadException)
        {
            lock (_gate)
            {
                if (_images.TryGetValue((scope, digest), out Task<Image>? failed) && failed == loading)
                    _images.Remove((scope, digest));
            }
            throw;
        }
    }

    /// <summary>Stops all work, writes the hints and closes the files; monitors keep what they were handed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _services.Sockets.Dispose();
        Task<Image>[] images;
        lock (_gate)
            images = [.. _images.Values];
        List<Image> open = [];
        foreach (Task<Image> image in images)
        {
            await ((Task)image).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (image.IsCompletedSuccessfully)
                open.Add(image.Result);
        }
        // Images read each other's devices, so none is closed before all have ended their work.
        await Task.WhenAll(open.Select(i => i.EndedAsync())).ConfigureAwait(false);
        open.ForEach(i => i.Close());
        _stop.Dispose();
    }

    private FetchSource Resolve(FlistReference reference, out Sha256Digest digest)
    {
        if (!Sha256Digest.TryParse(reference.Digest, out digest))
            throw new WorkloadException("image-invalid", $"\"{reference.Digest}\" is not the digest of a flist", permanent: true);
        if (!RegistryReference.TryParse(reference.Reference, out RegistryReference? parsed, out string? error))
            throw new WorkloadException("image-invalid", error, permanent: true);
        if (_settings()?.Registries.GetValueOrDefault(parsed.Registry) is not { } registry)
            throw new WorkloadException("registry-unknown", $"this farm has no registry \"{parsed.Registry}\"; its owner can add one to the farm settings", permanent: true);
        return new FetchSource(parsed.Registry, registry.Url, registry.PlainHttp, parsed.Repository, reference.Auth);
    }

    private static string TenantFolder(string tenant) => "tenant-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tenant)).AsSpan(0, 16));

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

    // Images of earlier boots lend their chunks, so they are opened before the first new one is. What is damaged is left alone until it is asked for.
    private async Task LoadNeighboursAsync(string scope)
    {
        string directory = Path.Combine(_imagesDirectory, scope);
        foreach (string name in Names(directory).Take(MaxNeighbours))
        {
            if (!Sha256Digest.TryParse("sha256:" + name, out Sha256Digest digest))
                continue;
            try
            {
                Image image = await LoadAsync(scope, digest, null).ConfigureAwait(false);
                lock (_gate)
                    _images[(scope, digest)] = Task.FromResult(image);
            }
            catch (WorkloadException e)
            {
                _services.Log($"image={digest} left alone reason={e.Reason} \"{e.Message}\"");
            }
        }
    }

    private string[] Names(string directory)
    {
        try
        {
            return Directory.Exists(directory) ? [.. Directory.EnumerateDirectories(directory).Select(d => Path.GetFileName(d))] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _services.Log($"images of earlier boots cannot be listed reason=\"{e.Message}\"");
            return [];
        }
    }

    // Without a source only what is on the disk counts.
    private async Task<Image> LoadAsync(string scope, Sha256Digest digest, FetchSource? source)
    {
        ImageFiles files = new(_imagesDirectory, _runDirectory, scope, digest);
        await _loads.WaitAsync(_stop.Token).ConfigureAwait(false);
        try
        {
            const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            Directory.CreateDirectory(files.Directory, OwnerOnly);
            Directory.CreateDirectory(_runDirectory, OwnerOnly);
            byte[] manifestBytes = await PieceAsync(files.Manifest, digest, FlistFormat.MaxManifestBytes, source, "manifest",
                s => _services.Fetch.GetManifestAsync(s, digest, _stop.Token)).ConfigureAwait(false);
            FlistManifest manifest = FlistManifest.Parse(manifestBytes);
            byte[][] pieces = await Task.WhenAll(BlobAsync(files.Config, manifest.Config, source, "config"), BlobAsync(files.Index, manifest.Index, source, "index")).ConfigureAwait(false);
            ImageConfig config = ImageConfigReader.Parse(pieces[0]);
            ResidentIndex index = ResidentIndex.Open(pieces[1]);
            manifest.Check(index.Index);
            Image image = new(files, manifest, index, config, Scope(scope).Chunks, _services);
            _services.Log($"image={digest} ready chunks={image.ChunkCount} bytes={image.BytesTotal} here={image.BytesFetched}");
            return image;
        }
        catch (FlistFormatException e)
        {
            // Its bytes are what its digest says, so they never become a flist.
            Remove(files, files.Manifest, files.Config, files.Index);
            throw new WorkloadException("image-invalid", e.Message, permanent: true);
        }
        catch (RegistryException e)
        {
            throw Failures.Of(e);
        }
        catch (UnauthorizedAccessException e)
        {
            _services.Log($"image={digest} cannot be kept reason=\"{e.Message}\"");
            throw new WorkloadException("storage-failed", "the node may not use its image directory");
        }
        catch (IOException e)
        {
            _services.Log($"image={digest} cannot be kept reason=\"{e.Message}\"");
            throw Failures.Of(e);
        }
        finally
        {
            _loads.Release();
            Remove(files);
        }
    }

    // Takes files away, and the directory if it is empty then: what could not be made leaves nothing behind.
    private void Remove(ImageFiles files, params ReadOnlySpan<string> names)
    {
        try
        {
            foreach (string name in names)
                File.Delete(name);
            if (Directory.Exists(files.Directory) && !Directory.EnumerateFileSystemEntries(files.Directory).Any())
                Directory.Delete(files.Directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _services.Log($"image={files.Digest} leaves files behind reason=\"{e.Message}\"");
        }
    }

    private Task<byte[]> BlobAsync(string path, BlobDescriptor blob, FetchSource? source, string what) => PieceAsync(path, blob.Digest, (int)blob.Size, source, what, async s =>
    {
        byte[] bytes = new byte[blob.Size];
        await _services.Fetch.ReadBlobAsync(s, blob.Digest, 0, bytes, _stop.Token).ConfigureAwait(false);
        return bytes;
    });

    private static async Task<byte[]> PieceAsync(string path, Sha256Digest digest, int maxBytes, FetchSource? source, string what, Func<FetchSource, Task<byte[]>> fetch)
    {
        if (SmallFile.TryRead(path, maxBytes) is { } kept && Sha256Digest.Of(kept) == digest)
            return kept;
        if (source is null)
            throw new WorkloadException("image-incomplete", $"its {what} is not on the disk");
        byte[] bytes = await fetch(source).ConfigureAwait(false);
        if (Sha256Digest.Of(bytes) != digest)
            throw new WorkloadException("chunk-forged", $"what {source} sends as the image's {what} is not {digest}; it is refused");
        SmallFile.Write(path, bytes);
        return bytes;
    }
}
