using System.Buffers;

using ZeroOS.Flist;
using ZeroOS.Images.Fetch;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Store;

/// <summary>Fetches, verifies and stores the chunks of one image: what is waited for first, with up to four fetches at once; the rest slowly.</summary>
internal sealed class ChunkFiller(Image image, ChunkQueue queue, ImageServices services)
{
    /// <summary>There is something to do: start a worker if one more is of use.</summary>
    public void Start()
    {
        if (!image.Stop.IsCancellationRequested && queue.TryJoin())
            image.Run(WorkAsync);
    }

    /// <summary>The background fill: goes on until every chunk is here, or nobody uses the image.</summary>
    public async Task FillAsync()
    {
        try
        {
            while (image.InUse && image.BytesFetched < image.BytesTotal)
            {
                if (services.Options.QuietBeforeFill - queue.Quiet is var rest && rest > TimeSpan.Zero)
                {
                    await Task.Delay(rest, image.Stop).ConfigureAwait(false);
                    continue;
                }
                long stored = await FillOnceAsync().ConfigureAwait(false);
                // Nothing to take means that the rest is being fetched, or rests after a failure.
                TimeSpan pause = stored == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds((double)stored / services.Options.FillBytesPerSecond);
                await Task.Delay(pause, image.Stop).ConfigureAwait(false);
            }
        }
        finally
        {
            image.FillEnded();
        }
    }

    private async Task WorkAsync()
    {
        while (queue.TakeOrLeave() is { } batch)
        {
            // One more for what is left, so that a slow fetch does not hold up the next.
            Start();
            await ProcessAsync(batch).ConfigureAwait(false);
        }
    }

    private async Task<long> FillOnceAsync()
    {
        if (image.Sources.Pick([], queue.Attempt) is not { } source)
            return 0;
        using IDisposable place = await services.Fills.EnterAsync(source.Owner, image.Stop).ConfigureAwait(false);
        if (queue.TakeFill() is not { } batch)
            return 0;
        long stored = batch.Chunks.Sum(c => (long)image.Index[c].StoredLength);
        await ProcessAsync(batch).ConfigureAwait(false);
        return stored;
    }

    // The boundary of one image: whatever goes wrong here, the chunks of the batch rest and are tried again.
    private async Task ProcessAsync(ChunkBatch batch)
    {
        HashSet<int> left = [.. batch.Chunks];
        try
        {
            if (batch.Chunks.Count > 1 || !TryTakeNear(batch.Chunks[0]))
                await FetchAsync(batch, left).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (image.Stop.IsCancellationRequested)
        {
            // The image is closed; what was not stored is fetched by who opens it next.
        }
        catch (RegistryException e)
        {
            Fail(left, Failures.Reason(e), e.Message);
        }
        catch (IOException e)
        {
            image.Log.Warn($"image={image.Digest} not-stored chunks={left.Count} reason=\"{e.Message}\"");
            Fail(left, Failures.Reason(e), Failures.Of(e).Message);
        }
        catch (Exception e)
        {
            image.Log.Warn($"image={image.Digest} not-filled chunks={left.Count} error={e.GetType().Name} message=\"{e.Message}\"");
            Fail(left, "internal", "the node failed to make the image's bytes ready; it tries again");
        }
    }

    private bool TryTakeNear(int chunk)
    {
        if (!image.IsNear(chunk))
            return false;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(image.Index[chunk].Length);
        try
        {
            return image.TryTakeNear(chunk, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task FetchAsync(ChunkBatch batch, HashSet<int> left)
    {
        FetchSource source = image.Sources.Pick(batch.Waiters, queue.Attempt)
            ?? throw new RegistryException(RegistryFailure.Unreachable, "no registry is known for the image yet");
        // Before there are buffers: what all images hold of them together is bounded.
        using IDisposable place = await services.Batches.EnterAsync(source.Owner, image.Stop).ConfigureAwait(false);
        FlistChunk[] chunks = [.. batch.Chunks.Select(c => image.Index[c])];
        long begin = chunks.Min(c => c.BlobOffset);
        int stored = (int)(chunks.Max(c => c.BlobOffset + c.StoredLength) - begin);
        byte[] range = ArrayPool<byte>.Shared.Rent(stored), plain = ArrayPool<byte>.Shared.Rent(chunks.Max(c => c.Length));
        try
        {
            await services.Fetch.ReadBlobAsync(source, image.Index.BlobDigest(chunks[0].Blob), begin, range.AsMemory(0, stored),
                image.Stop).ConfigureAwait(false);
            for (int i = 0; i < chunks.Length; i++)
            {
                Memory<byte> bytes = range.AsMemory((int)(chunks[i].BlobOffset - begin), chunks[i].StoredLength);
                Memory<byte> verified = chunks[i].Codec == ChunkCodec.Raw ? bytes : plain.AsMemory(0, chunks[i].Length);
                if (!await VerifyAsync(source.Owner, chunks[i], bytes, verified).ConfigureAwait(false))
                    continue;
                image.Sources.Prove(source);
                image.Put(batch.Chunks[i], verified.Span);
                left.Remove(batch.Chunks[i]);
            }
            if (left.Count > 0)
                Fail(left, "chunk-forged", $"{source} sends bytes for chunk {left.Min()} that are not the image's; they are refused and asked for again");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(range);
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    // zstd sees bytes only after their hash was right, and what it makes of them is hashed again. True: plain holds the chunk.
    private async ValueTask<bool> VerifyAsync(string owner, FlistChunk chunk, Memory<byte> stored, Memory<byte> plain)
    {
        if (Sha256Digest.Of(stored.Span) != chunk.StoredDigest)
            return false;
        if (chunk.Codec == ChunkCodec.Raw)
            return true; // its stored bytes are its plain bytes, and the index was held to that
        return await services.Fetch.TryDecompressAsync(owner, stored, plain, image.Stop).ConfigureAwait(false)
            && Sha256Digest.Of(plain.Span) == chunk.PlainDigest;
    }

    // One line, one timer and one trouble for all that failed together.
    private void Fail(HashSet<int> chunks, string reason, string message)
    {
        int rests = queue.Fail(chunks, reason, message);
        if (rests == 0)
            return;
        image.Log.Warn($"image={image.Digest} waits chunks={chunks.Count} reason={reason} message=\"{message}\"");
        double seconds = Math.Min(services.Options.FirstRetry.TotalSeconds * Math.Pow(2, Math.Min(rests - 1, 16)), services.Options.LongestRetry.TotalSeconds);
        image.Run(() => RetryAsync(TimeSpan.FromSeconds(seconds)));
    }

    private async Task RetryAsync(TimeSpan wait)
    {
        await Task.Delay(wait, image.Stop).ConfigureAwait(false);
        queue.Awake();
        Start();
    }
}
