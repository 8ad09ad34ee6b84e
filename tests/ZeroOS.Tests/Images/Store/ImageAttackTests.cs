using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Flist;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

/// <summary>What a hostile tenant, image or guest does to the node through its images, played against the real store.</summary>
[Collection(AloneCollection.Name)]
public sealed class ImageAttackTests
{
    /// <summary>
    /// Review, finding 3: an index of chunks that are stored in one byte each made one batch, one task, one timer and one line for each of them.
    /// </summary>
    [Fact]
    public async Task Tiny_chunks_cost_the_node_bits_and_one_line()
    {
        const int Chunks = 200_000;
        TestImage image = TestImage.OfTinyChunks(Chunks);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        using TestMonitor monitor = new(prepared);
        registry.Ranges.Clear();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        monitor.Need(1000);
        await ImageBench.EventuallyAsync(() => prepared.Trouble is not null, "the chunk's bytes are not what the index says");
        Assert.All(registry.Ranges, r => Assert.InRange(r.Length, 1, 64));
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 16L << 20);
        Assert.InRange(bench.Lines.Count, 1, 20);
    }

    /// <summary>Review, finding 3: a guest alone reached 100 MB by asking for every chunk at once.</summary>
    [Fact]
    public async Task Guest_that_asks_for_everything_at_once_waits_in_its_own_socket_and_gets_everything()
    {
        const int Chunks = 3000;
        TestImage image = TestImage.Make(31, Chunks, chunkBytes: 4096);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        TaskCompletionSource hold = new();
        IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        registry.Hold = hold.Task;
        using TestMonitor greedy = new(prepared), modest = new(prepared);
        int asked = 0;
        await ImageBench.EventuallyAsync(() => // until the socket is full for good: the node reads no further
        {
            int was = asked;
            while (asked < Chunks && greedy.TryNeed(asked))
                asked++;
            return asked > 300 && asked == was;
        }, "the node stops reading");
        Assert.InRange(asked, 300, Chunks / 2);
        modest.Need(Chunks - 1);
        hold.SetResult();
        Assert.Equal(((uint)Chunks - 1, ChunkMessage.Ready), modest.Receive());
        HashSet<uint> told = [];
        while (told.Count < Chunks)
        {
            while (asked < Chunks && greedy.TryNeed(asked))
                asked++;
            (uint chunk, uint code) = greedy.Receive();
            Assert.Equal(ChunkMessage.Ready, code);
            Assert.True(told.Add(chunk));
        }
    }

    [Fact]
    public void Index_whose_chunks_cover_next_to_nothing_is_refused()
    {
        static byte[] Of(int count, int length) =>
            FlistIndexWriter.Write((long)count * length, [default], [.. Enumerable.Range(0, count).Select(i => new FlistChunk
        {
            DeviceOffset = (long)i * length,
            Length = length,
            Blob = 0,
            Codec = ChunkCodec.Zstd,
            BlobOffset = i,
            StoredLength = 1,
            StoredDigest = default,
            PlainDigest = default,
        })]);
        // The writer holds itself to what the reader takes.
        Assert.NotEmpty(Of(FlistFormat.FreeChunks, 4096));
        Assert.NotEmpty(Of(FlistFormat.FreeChunks + 1, FlistFormat.MinAverageChunk));
        FlistFormatException refused = Assert.Throws<FlistFormatException>(() => Of(FlistFormat.FreeChunks + 1, FlistFormat.MinAverageChunk - 4096));
        Assert.Contains("on average", refused.Message, StringComparison.Ordinal);
    }
}
