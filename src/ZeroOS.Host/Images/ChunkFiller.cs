using System.Buffers;

using ZeroOS.Flist;
using ZeroOS.Host.Fetch;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Host.Images;

/// <summary>Fetches, verifies and stores the chunks of one image: what is waited for first, with up to four fetches at once; the rest slowly.</summary>
internal sealed class ChunkFiller(Image image, ChunkQueue queue, ImageServices services)
{
    private readonly HashSet<Task> _tasks = [];
    private readonly Lock _gate = new();

    /// <summary>Ends when everything this object started has ended.</summary>
    public Task Ended
    {
        get
        {
            lock (_gate)
                return Task.WhenAll(_tasks);
        }
    }

    /// <summary>There is something to do: start a worker if one more is of use.</summary>
    public void Start()
    {
        if (!services.Stop.IsCancellationRequested && image.Source(0) is not null && queue.TryJoin())
            Track(Task.Run(WorkAsync));
    }

    /// <summary>Starts the background fill; it ends when every chunk is here.</summary>
    public void BeginFill() => Track(Task.Run(FillAsync));

    /// <summary>Counts a task among those to wait for at the end.</summary>
    public void Track(Task task)
    {
        lock (_gate)
            _tasks.Add(task);
        _ = task.ContinueWith(Untrack, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Untrack(Task task)
    {
        lock (_gate)
            _tasks.Remove(task);
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

    private async Task FillAsync()
    {
        try
        {
            while (image.BytesFetched < image.BytesTotal)
            {
                if (services.Options.QuietBeforeFill - queue.Quiet is var rest && rest > TimeSpan.Zero)
                {
                    await Task.Delay(rest, services.Stop).ConfigureAwait(false);
                    continue;
                }
                await services.FillGate.WaitAsync(services.Stop).ConfigureAwait(false);
                long stored = 0;
                try
                {
                    if (image.Source(0) is not null && queue.TakeFill() is { } batch)
                    {
                        stored = batch.Chunks.Sum(c => (long)image.Index[c].StoredLength);
                        await ProcessAsync(batch).ConfigureAwait(false);
                    }
                }
                finally
                {
                    services.FillGate.Release();
                }
                // Nothing to take means that the rest is being fetched, or rests after a failure.
                TimeSpan pause = stored == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromSeconds((double)stored / services.Options.FillBytesPerSecond);
                await Task.Delay(pause, services.Stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The node ends.
        }
    }

    // The boundary of one image: whatever goes wrong here, the chunks of the batch rest and are tried again.
    private async Task ProcessAsync(ChunkBatch batch)
    {
        HashSet<int> left = [.. batch.Chunks];
        try
        {
            if (batch.Chunks.Count > 1 || !TryTakeNear(batch.Chunks[0]))
                await FetchAsync(batch.Chunks, left).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (services.Stop.IsCancellationRequested)
        {
            // The node ends; what was not stored is fetched by the next one.
        }
        catch (RegistryException e)
        {
            Fail(left, Failures.Reason(e), e.Message);
        }
        catch (IOException e)
        {
            image.Log.Write($"image={image.Digest} chunks={left.Count} cannot be stored reason=\"{e.Message}\"");
            Fail(left, Failures.Reason(e), Failures.Of(e).Message);
        }
        catch (Exception e)
        {
            image.Log.Write($"image={image.Digest} chunks={left.Count} failed: {e.GetType().Name}: {e.Message}");
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

    private async Task FetchAsync(IReadOnlyList<int> batch, HashSet<int> left)
    {
        FlistChunk[] chunks = [.. batch.Select(c => image.Index[c])];
        long begin = chunks.Min(c => c.BlobOffset);
        int stored = (int)(chunks.Max(c => c.BlobOffset + c.StoredLength) - begin);
        byte[] range = ArrayPool<byte>.Shared.Rent(stored), plain = ArrayPool<byte>.Shared.Rent(chunks.Max(c => c.Length));
        try
        {
            FetchSource source = image.Source(queue.Attempt) ?? throw new RegistryException(RegistryFailure.Unreachable, "no registry is known for the image yet");
            await services.Fetch.ReadBlobAsync(source, image.Index.BlobDigest(chunks[0].Blob), begin, range.AsMemory(0, stored), services.Stop).ConfigureAwait(false);
            for (int i = 0; i < chunks.Length; i++)
            {
                Memory<byte> bytes = range.AsMemory((int)(chunks[i].BlobOffset - begin), chunks[i].StoredLength);
                Memory<byte> verified = chunks[i].Codec == ChunkCodec.Raw ? bytes : plain.AsMemory(0, chunks[i].Length);
                if (!await VerifyAsync(chunks[i], bytes, verified).ConfigureAwait(false))
                    continue;
                image.Put(batch[i], verified.Span);
                left.Remove(batch[i]);
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
    private async ValueTask<bool> VerifyAsync(FlistChunk chunk, Memory<byte> stored, Memory<byte> plain)
    {
        if (Sha256Digest.Of(stored.Span) != chunk.StoredDigest)
            return false;
        if (chunk.Codec == ChunkCodec.Raw)
            return true; // its stored bytes are its plain bytes, and the index was held to that
        return await services.Fetch.TryDecompressAsync(stored, plain, services.Stop).ConfigureAwait(false) && Sha256Digest.Of(plain.Span) == chunk.PlainDigest;
    }

    // One line, one timer and one trouble for all that failed together.
    private void Fail(HashSet<int> chunks, string reason, string message)
    {
        int rests = queue.Fail(chunks, reason, message);
        if (rests == 0)
            return;
        image.Log.Write($"image={image.Digest} chunks={chunks.Count} wait reason={reason} \"{message}\"");
        double seconds = Math.Min(services.Options.FirstRetry.TotalSeconds * Math.Pow(2, Math.Min(rests - 1, 16)), services.Options.LongestRetry.TotalSeconds);
        Track(RetryAsync(TimeSpan.FromSeconds(seconds)));
    }

    private async Task RetryAsync(TimeSpan wait)
    {
        try
        {
            await Task.Delay(wait, services.Stop).ConfigureAwait(false);
            queue.Awake();
            Start();
        }
        catch (OperationCanceledException)
        {
            // The node ends.
        }
    }
}
