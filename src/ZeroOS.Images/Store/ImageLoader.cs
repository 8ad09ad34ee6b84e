using System.Security.Cryptography;
using System.Text;

using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>
/// Brings an image's manifest, config and index to the disk, and opens what is there. Each tenant fetches them from its own source and on its own account:
/// several may at once, and what each puts in place has the same digest.
/// </summary>
internal sealed class ImageLoader(ImageServices services)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int PieceBytes = 1 << 20;
    private readonly FairSlots _loads = new(total: 6, perOwner: 2, reserved: 3); // a manifest and a config, 1 MiB each, are parsed in memory

    /// <summary>Makes the three files be on the disk, whole. True when the source gave the manifest.</summary>
    /// <exception cref="WorkloadException">As <see cref="IImages.PrepareAsync"/>.</exception>
    public async Task<bool> FetchAsync(ImageFiles files, FetchSource source)
    {
        using IDisposable place = await _loads.EnterAsync(source.Owner, services.Stop).ConfigureAwait(false);
        return await GuardedAsync(files, async () =>
        {
            Directory.CreateDirectory(files.Directory, OwnerOnly);
            bool gave = false;
            if (Kept(files.Manifest, files.Digest, FlistFormat.MaxManifestBytes) is not { } manifestBytes)
            {
                manifestBytes = await services.Fetch.GetManifestAsync(source, files.Digest, services.Stop).ConfigureAwait(false);
                Check(Sha256Digest.Of(manifestBytes) == files.Digest, source, "manifest", files.Digest);
                _ = FlistManifest.Parse(manifestBytes);
                services.Room.Require(manifestBytes.Length);
                SmallFile.Write(files.Manifest, manifestBytes);
                gave = true;
            }
            FlistManifest manifest = FlistManifest.Parse(manifestBytes);
            await BlobAsync(files.Config, manifest.Config, source, "config").ConfigureAwait(false);
            await BlobAsync(files.Index, manifest.Index, source, "index").ConfigureAwait(false);
            if (!File.Exists(files.BroughtBy))
                SmallFile.Write(files.BroughtBy, Encoding.ASCII.GetBytes(ImageFiles.FolderOf(source.Owner)));
            return gave;
        }).ConfigureAwait(false);
    }

    /// <summary>Opens an image from the disk alone.</summary>
    /// <exception cref="WorkloadException">image-incomplete: a file is missing or damaged; image-invalid; storage-failed.</exception>
    public Task<Image> OpenAsync(ImageFiles files, ChunkDirectory chunks) => GuardedAsync(files, () =>
    {
        if (Kept(files.Manifest, files.Digest, FlistFormat.MaxManifestBytes) is not { } manifestBytes)
            throw Incomplete("manifest");
        FlistManifest manifest = FlistManifest.Parse(manifestBytes);
        _ = ImageConfigReader.Parse(Kept(files.Config, manifest.Config.Digest, FlistFormat.MaxConfigBytes) ?? throw Incomplete("config"));
        MappedIndex index = MappedIndex.TryOpen(files.Index, manifest.Index) ?? throw Incomplete("index");
        try
        {
            manifest.Check(index.Index);
            Directory.CreateDirectory(files.RunDirectory, OwnerOnly);
            Image image = new(files, manifest, manifestBytes.Length, index, chunks, services);
            services.Log.Info($"image={files.Digest} ready chunks={image.ChunkCount} bytes={image.BytesTotal} here={image.BytesFetched}");
            return Task.FromResult(image);
        }
        catch
        {
            index.Dispose();
            throw;
        }
    });

    private static WorkloadException Incomplete(string what) => new("image-incomplete", $"its {what} is not on the disk");

    private static void Check(bool holds, FetchSource source, string what, Sha256Digest digest)
    {
        if (!holds)
            throw new WorkloadException("chunk-forged", $"what {source} sends as the image's {what} is not {digest}; it is refused");
    }

    // A bad sector is a file that is not here: it is fetched again.
    private static byte[]? Kept(string path, Sha256Digest digest, int maxBytes)
    {
        try
        {
            return SmallFile.TryRead(path, maxBytes) is { } bytes && Sha256Digest.Of(bytes) == digest ? bytes : null;
        }
        catch (LinuxException e) when (e.Errno == Errno.EIO)
        {
            return null;
        }
    }

    private static bool IsKept(string path, BlobDescriptor blob)
    {
        try
        {
            using FileDescriptor? file = FileDescriptor.TryOpen(path, OpenFlags.ReadOnly | OpenFlags.NoFollow, 0, out _);
            return file is not null && MappedIndex.IsWhole(file, blob);
        }
        catch (LinuxException e) when (e.Errno == Errno.EIO)
        {
            return false;
        }
    }

    // In pieces, so that an index of 64 MiB is never in the node's heap.
    private async Task BlobAsync(string path, BlobDescriptor blob, FetchSource source, string what)
    {
        if (IsKept(path, blob))
            return;
        string fresh = SmallFile.Beside(path);
        try
        {
            using (FileDescriptor file = FileDescriptor.Open(fresh,
                OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, Mode.OwnerOnly))
            using (IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
            {
                byte[] piece = new byte[(int)Math.Min(PieceBytes, blob.Size)];
                for (long at = 0; at < blob.Size;)
                {
                    Memory<byte> part = piece.AsMemory(0, (int)Math.Min(piece.Length, blob.Size - at));
                    await services.Fetch.ReadBlobAsync(source, blob.Digest, at, part, services.Stop).ConfigureAwait(false);
                    services.Room.Require(part.Length);
                    hash.AppendData(part.Span);
                    file.Write(part.Span);
                    at += part.Length;
                }
                Check(new Sha256Digest(hash.GetHashAndReset()) == blob.Digest, source, what, blob.Digest);
                file.SyncData();
            }
            File.Move(fresh, path, overwrite: true);
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    private async Task<T> GuardedAsync<T>(ImageFiles files, Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (FlistFormatException e)
        {
            // Its bytes are what its digest says, so they never become a flist.
            Remove(files, files.Manifest, files.Config, files.Index, files.BroughtBy);
            throw new WorkloadException("image-invalid", e.Message, permanent: true);
        }
        catch (RegistryException e)
        {
            throw Failures.Of(e);
        }
        catch (UnauthorizedAccessException e)
        {
            services.Log.Warn($"image={files.Digest} cannot be kept reason=\"{e.Message}\"");
            throw new WorkloadException("storage-failed", "the node may not use its image directory");
        }
        catch (IOException e)
        {
            services.Log.Warn($"image={files.Digest} cannot be kept reason=\"{e.Message}\"");
            throw Failures.Of(e);
        }
        finally
        {
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
            services.Log.Warn($"image={files.Digest} leaves files behind reason=\"{e.Message}\"");
        }
    }
}
