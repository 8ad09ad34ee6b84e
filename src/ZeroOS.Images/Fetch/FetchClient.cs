using System.Buffers.Binary;
using System.Text.Json;

using ZeroOS.Flist;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Fetch;

/// <summary>
/// What the node fetches with: a <see cref="FetchWorker"/> for each process that it needs, of which each has a <see cref="FetchSocket"/>.
/// There is one process for each tenant and registry that something is fetched from just now, and one without network for each tenant whose chunks are
/// decompressed. Bytes that come back are as hostile as the registry they came from: callers verify them. A process that dies is
/// started again and asked again; one that has nothing to do ends, and with it the credentials that it was given.
/// </summary>
public sealed class FetchClient : IDisposable
{
    /// <summary>The process that speaks with registries: <c>zeroos fetch DESCRIPTOR</c>.</summary>
    public const string FetchRoleName = "fetch";

    /// <summary>The process that decompresses: <c>zeroos fetch --convert DESCRIPTOR</c>.</summary>
    public const string ConvertRoleName = "convert";

    /// <summary>Requests to registries at once, and so processes that fetch.</summary>
    internal const int MaxRequests = 16;

    /// <summary>Requests of one tenant at once.</summary>
    internal const int MaxRequestsOfOwner = 6;

    /// <summary>Chunks that are decompressed at once, and so processes that do it.</summary>
    internal const int MaxConversions = 6;

    /// <summary>Processes that are kept though they have nothing to do.</summary>
    internal const int MaxIdle = 4;

    private static readonly TimeSpan s_stall = TimeSpan.FromSeconds(90), s_linger = TimeSpan.FromSeconds(5);

    private readonly FairSlots _requests = new(MaxRequests, MaxRequestsOfOwner, reserved: 6), _conversions = new(MaxConversions, perOwner: 2, reserved: 3);
    private readonly Dictionary<(string Role, string Owner, string Url), FetchWorker> _workers = [];
    private readonly Func<string, FileDescriptor> _start;
    private readonly ILog _log;
    private readonly TimeSpan _stalls, _lingers;
    private readonly Func<int, TimeSpan> _deadline;
    private readonly Lock _gate = new();
    private bool _disposed;

    /// <summary>
    /// Nothing is started yet. <paramref name="start"/> starts a process for <see cref="FetchRoleName"/> or <see cref="ConvertRoleName"/> and returns the
    /// node's end of a seqpacket socket whose other end the process holds; it may block, and throws <see cref="LinuxException"/> when it cannot.
    /// A process that says nothing for <paramref name="stall"/> (90 s unless told) is given up; one that is not asked for <paramref name="linger"/> (5 s
    /// unless told) ends; an answer of so many bytes takes <paramref name="deadline"/> (<see cref="FetchDeadline"/>) at most.
    /// </summary>
    public FetchClient(Func<string, FileDescriptor> start, ILog log, TimeSpan? stall = null, TimeSpan? linger = null, Func<int, TimeSpan>? deadline = null)
    {
        (_start, _log) = (start, log);
        (_stalls, _lingers, _deadline) = (stall ?? s_stall, linger ?? s_linger, deadline ?? FetchDeadline.OfNode);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        List<FetchWorker> all;
        lock (_gate)
        {
            _disposed = true;
            all = [.. _workers.Values];
            _workers.Clear();
        }
        all.ForEach(c => c.Dispose());
    }

    /// <summary>A manifest by its digest, at most <see cref="FlistFormat.MaxManifestBytes"/>. Not verified.</summary>
    /// <exception cref="RegistryException">What failed.</exception>
    internal async Task<byte[]> GetManifestAsync(FetchSource source, Sha256Digest digest, CancellationToken cancellation)
    {
        byte[] bytes = new byte[FlistFormat.MaxManifestBytes];
        int length = await GetAsync(source, Request(source, digest, 0, bytes.Length) with { Manifest = true }, bytes, cancellation).ConfigureAwait(false);
        return bytes[..length];
    }

    /// <summary>Fills <paramref name="destination"/> with a range of a blob. Not verified.</summary>
    /// <exception cref="RegistryException">What failed.</exception>
    internal async Task ReadBlobAsync(FetchSource source, Sha256Digest digest, long offset, Memory<byte> destination, CancellationToken cancellation)
    {
        const int MaxRange = 8 << 20;
        for (int done = 0; done < destination.Length;)
        {
            Memory<byte> part = destination.Slice(done, Math.Min(MaxRange, destination.Length - done));
            int length = await GetAsync(source, Request(source, digest, offset + done, part.Length), part, cancellation).ConfigureAwait(false);
            if (length != part.Length)
                throw new RegistryException(RegistryFailure.Unreachable, $"{source} sent {length} of {part.Length} bytes");
            done += part.Length;
        }
    }

    /// <summary>
    /// Fills <paramref name="plain"/> from a zstd chunk, in the process of its owner; false when the chunk cannot be decompressed to that size. Not verified.
    /// </summary>
    /// <exception cref="RegistryException">No process lived long enough to do it.</exception>
    internal async Task<bool> TryDecompressAsync(string owner, ReadOnlyMemory<byte> stored, Memory<byte> plain, CancellationToken cancellation)
    {
        byte[] lengths = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(lengths, stored.Length);
        BinaryPrimitives.WriteInt32LittleEndian(lengths.AsSpan(4), plain.Length);
        using IDisposable place = await _conversions.EnterAsync(owner, cancellation).ConfigureAwait(false);
        (string, string, string) key = (ConvertRoleName, owner, "");
        try
        {
            return await Take(key).RequestAsync(FetchVerb.Decompress, lengths, stored, plain, cancellation).ConfigureAwait(false) == plain.Length;
        }
        catch (RegistryException e) when (e.Failure == RegistryFailure.Invalid)
        {
            return false;
        }
        finally
        {
            Return(key);
        }
    }

    private static FetchRequest Request(FetchSource source, Sha256Digest digest, long offset, int length) => new()
    {
        Url = source.Url,
        PlainHttp = source.PlainHttp,
        Repository = source.Repository,
        Credentials = source.Credentials,
        Digest = digest.ToString(),
        Offset = offset,
        Length = length,
    };

    private async Task<int> GetAsync(FetchSource source, FetchRequest request, Memory<byte> destination, CancellationToken cancellation)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(request, FetchJson.Default.FetchRequest);
        if (json.Length > FetchMessage.MaxData)
        {
            throw new RegistryException(RegistryFailure.Invalid,
                $"the registry's URL, repository and credentials make {json.Length} bytes; {FetchMessage.MaxData} are allowed");
        }
        using IDisposable place = await _requests.EnterAsync(source.Owner, cancellation).ConfigureAwait(false);
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(_deadline(request.Length));
        (string, string, string) key = (FetchRoleName, source.Owner, source.Url);
        try
        {
            return await Take(key).RequestAsync(FetchVerb.Get, json, default, destination, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new RegistryException(RegistryFailure.Unreachable, $"{source} is too slow", e);
        }
        finally
        {
            Return(key);
        }
    }

    private FetchWorker Take((string Role, string Owner, string Url) key)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_workers.TryGetValue(key, out FetchWorker? worker))
                _workers[key] = worker = new FetchWorker(key.Role, _start, _log, _stalls, () => CloseIdle(key));
            worker.Users++;
            worker.Idle(null);
            return worker;
        }
    }

    private void Return((string Role, string Owner, string Url) key)
    {
        (string, string, string)? longest = null;
        lock (_gate)
        {
            if (!_workers.TryGetValue(key, out FetchWorker? worker) || --worker.Users > 0)
                return;
            worker.Idle(_lingers);
            List<KeyValuePair<(string Role, string Owner, string Url), FetchWorker>> idle = [.. _workers.Where(c => c.Value.Users == 0)];
            if (idle.Count > MaxIdle)
                longest = idle.MinBy(c => c.Value.IdleSince).Key;
        }
        if (longest is { } tooMany)
            CloseIdle(tooMany);
    }

    private void CloseIdle((string Role, string Owner, string Url) key)
    {
        FetchWorker? closed;
        lock (_gate)
        {
            if (!_workers.TryGetValue(key, out closed) || closed.Users > 0)
                return;
            _workers.Remove(key);
        }
        closed.Dispose();
    }
}
