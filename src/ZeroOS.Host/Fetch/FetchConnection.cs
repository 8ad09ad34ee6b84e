using System.Buffers.Binary;
using System.Text.Json;

using ZeroOS.Flist;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Host.Fetch;

/// <summary>
/// The node's side of the two fetch processes. Bytes that come back are as hostile as the registry they came from: callers verify them. Several
/// requests may run at once; a process that dies is started again and asked again.
/// </summary>
public sealed class FetchConnection : IDisposable
{
    /// <summary>The process that speaks with registries: <c>zeroos fetch DESCRIPTOR</c>.</summary>
    public const string FetchRoleName = "fetch";

    /// <summary>The process that decompresses: <c>zeroos fetch --convert DESCRIPTOR</c>.</summary>
    public const string ConvertRoleName = "convert";

    private const int MaxRequests = 24;
    private readonly FetchChannel _fetch, _convert;
    private readonly SemaphoreSlim _requests = new(MaxRequests, MaxRequests);

    /// <summary>
    /// Nothing is started yet. <paramref name="start"/> starts the process for <see cref="FetchRoleName"/> or <see cref="ConvertRoleName"/> and returns the
    /// node's end of a seqpacket socket whose other end the process holds; it may block, and throws <see cref="LinuxException"/> when it cannot.
    /// A process that says nothing for <paramref name="stall"/> (90 s unless told) is given up.
    /// </summary>
    public FetchConnection(Func<string, FileDescriptor> start, Action<string> log, TimeSpan? stall = null)
    {
        _fetch = new FetchChannel(FetchRoleName, start, log, stall ?? TimeSpan.FromSeconds(90));
        _convert = new FetchChannel(ConvertRoleName, start, log, stall ?? TimeSpan.FromSeconds(90));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _fetch.Dispose();
        _convert.Dispose();
    }

    /// <summary>A manifest by its digest, at most <see cref="FlistFormat.MaxManifestBytes"/>. Not verified.</summary>
    /// <exception cref="RegistryException">What failed.</exception>
    internal async Task<byte[]> GetManifestAsync(FetchSource source, Sha256Digest digest, CancellationToken cancellation)
    {
        byte[] bytes = new byte[FlistFormat.MaxManifestBytes];
        int length = await GetAsync(Request(source, digest, 0, bytes.Length) with { Manifest = true }, bytes, cancellation).ConfigureAwait(false);
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
            int length = await GetAsync(Request(source, digest, offset + done, part.Length), part, cancellation).ConfigureAwait(false);
            if (length != part.Length)
                throw new RegistryException(RegistryFailure.Unreachable, $"{source} sent {length} of {part.Length} bytes");
            done += part.Length;
        }
    }

    /// <summary>Fills <paramref name="plain"/> from a zstd chunk; false when the chunk cannot be decompressed to that size. Not verified.</summary>
    /// <exception cref="RegistryException">No process lived long enough to do it.</exception>
    internal async Task<bool> TryDecompressAsync(ReadOnlyMemory<byte> stored, Memory<byte> plain, CancellationToken cancellation)
    {
        byte[] lengths = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(lengths, stored.Length);
        BinaryPrimitives.WriteInt32LittleEndian(lengths.AsSpan(4), plain.Length);
        try
        {
            return await _convert.RequestAsync(FetchVerb.Decompress, lengths, stored, plain, cancellation).ConfigureAwait(false) == plain.Length;
        }
        catch (RegistryException e) when (e.Failure == RegistryFailure.Invalid)
        {
            return false;
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

    private async Task<int> GetAsync(FetchRequest request, Memory<byte> destination, CancellationToken cancellation)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(request, FetchJson.Default.FetchRequest);
        if (json.Length > FetchMessage.MaxData)
            throw new RegistryException(RegistryFailure.Invalid, $"the registry's URL, repository and credentials make {json.Length} bytes; {FetchMessage.MaxData} are allowed");
        await _requests.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await _fetch.RequestAsync(FetchVerb.Get, json, default, destination, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _requests.Release();
        }
    }
}
