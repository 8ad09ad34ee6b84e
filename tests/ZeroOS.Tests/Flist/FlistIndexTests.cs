using System.Buffers.Binary;

using Xunit;

using ZeroOS.Flist;

namespace ZeroOS.Tests.Flist;

public sealed class FlistIndexTests
{
    private static readonly Sha256Digest s_one = Sha256Digest.Of([1]), s_two = Sha256Digest.Of([2]);

    [Fact]
    public void Written_index_reads_back_the_same()
    {
        FlistChunk[] chunks = Chunks();
        FlistIndex index = FlistIndex.Open(FlistIndexWriter.Write(1 << 20, [s_one, s_two], chunks));
        Assert.Equal(1 << 20, index.DeviceSize);
        Assert.Equal(2, index.BlobCount);
        Assert.Equal(s_two, index.BlobDigest(1));
        Assert.Equal(chunks, Enumerable.Range(0, index.ChunkCount).Select(i => index[i]));
    }

    [Theory]
    [InlineData(0, ~0)]
    [InlineData(4095, ~0)]
    [InlineData(4096, 0)]
    [InlineData(12287, 0)]
    [InlineData(12288, 1)]
    [InlineData(16384, ~2)]
    [InlineData(40960, 2)]
    [InlineData(45056, ~3)]
    [InlineData((1 << 20) - 1, ~3)]
    public void FindChunk_names_the_chunk_or_the_gap(long offset, int expected) =>
        Assert.Equal(expected, FlistIndex.Open(FlistIndexWriter.Write(1 << 20, [s_one, s_two], Chunks())).FindChunk(offset));

    [Fact]
    public unsafe void Lookups_in_a_mapping_allocate_nothing()
    {
        byte[] bytes = FlistIndexWriter.Write(1 << 20, [s_one, s_two], Chunks());
        fixed (byte* p = bytes)
        {
            Assert.True(FlistIndex.TryOpen(p, bytes.Length, out FlistIndex? index, out _));
            long sum = Lookups(index, 10);
            long before = GC.GetAllocatedBytesForCurrentThread();
            sum += Lookups(index, 1000);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
            Assert.NotEqual(0, sum);
        }
    }

    [Fact]
    public void Index_without_chunks_is_a_device_of_zeros() =>
        Assert.Equal(~0, FlistIndex.Open(FlistIndexWriter.Write(4096, [], [])).FindChunk(0));

    public static TheoryData<string, int, byte[]> Forgeries() => new()
    {
        { "does not begin", 0, "X"u8.ToArray() },
        { "version 2", 8, [2] },
        { "does not know", 12, [1] },
        { "device has 0 bytes", 16, new byte[8] },
        { "device has", 16, [1, 0, 0] },
        { "device has", 23, [0x80] },
        { "block size", 24, [1] },
        { "its header makes", 28, [4] },
        { "its header makes", 31, [0xFF] },
        { "lists", 32, [0, 0, 1] },
        { "does not know", 63, [1] },
        { "chunk 0: its place", 128, [1] },
        { "chunk 0: it lies beyond", 132, [1] },
        { "chunk 0: its place", 136, [0, 0] },
        { "chunk 0: its place", 139, [0xFF] },
        { "chunk 0: it names a blob", 140, [2] },
        { "chunk 0: it has a codec", 142, [2] },
        { "chunk 0: it has a codec", 143, [2] },
        { "chunk 0: its blob offset", 151, [0x80] },
        { "chunk 0: it stores", 152, [0, 0] },
        { "chunk 0: it has a codec", 156, [1] },
        { "chunk 1: it overlaps", 224, [0, 0x20] },
        { "chunk 1: it is raw", 224 + 32, [0xAA, 0x55] },
        { "chunk 1: it is raw", 224 + 24, [0, 0x8] },
    };

    [Theory]
    [MemberData(nameof(Forgeries))]
    public void Forged_field_is_refused_with_its_name(string expected, int at, byte[] patch)
    {
        byte[] bytes = FlistIndexWriter.Write(1 << 20, [s_one, s_two], Chunks());
        patch.CopyTo(bytes, at);
        Assert.False(FlistIndex.TryOpen(bytes, out _, out string? error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Truncated_and_overlong_indexes_are_refused()
    {
        byte[] bytes = FlistIndexWriter.Write(1 << 20, [s_one, s_two], Chunks());
        for (int length = 0; length < bytes.Length; length++)
            Assert.False(FlistIndex.TryOpen(bytes.AsMemory(0, length), out _, out _));
        Assert.False(FlistIndex.TryOpen(new byte[bytes.Length + 1], out _, out _));
    }

    [Fact]
    public void Ten_thousand_mutations_are_refused_or_read_within_their_bounds()
    {
        Random random = new(20_240_601);
        byte[] whole = FlistIndexWriter.Write(1 << 20, [s_one, s_two], Chunks());
        int accepted = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = (byte[])whole.Clone();
            for (int n = random.Next(1, 6); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(random.Next(bytes.Length / 8) * 8), ulong.MaxValue >> random.Next(64));
            if (!FlistIndex.TryOpen(bytes, out FlistIndex? index, out string? error))
            {
                Assert.NotEmpty(error);
                continue;
            }
            accepted++;
            AssertHolds(index);
        }
        Assert.InRange(accepted, 1, 9_999);
    }

    /// <summary>Chunks come in order, lie in the device, are of blobs that it has, and are found.</summary>
    internal static void AssertHolds(FlistIndex index)
    {
        long end = 0;
        for (int c = 0; c < index.ChunkCount; c++)
        {
            FlistChunk chunk = index[c];
            Assert.InRange(chunk.DeviceOffset, end, index.DeviceSize - chunk.Length);
            Assert.InRange(chunk.StoredLength, 1, chunk.Length);
            Assert.InRange(chunk.Blob, 0, index.BlobCount - 1);
            Assert.Equal(c, index.FindChunk(chunk.DeviceEnd - 1));
            end = chunk.DeviceEnd;
        }
    }

    [Fact]
    public void Writer_refuses_chunks_out_of_order() =>
        Assert.Throws<FlistFormatException>(() => FlistIndexWriter.Write(1 << 20, [s_one, s_two], [Chunks()[1], Chunks()[0]]));

    [Theory]
    [InlineData("sha256:")]
    [InlineData("sha256:0000000000000000000000000000000000000000000000000000000000000G00")]
    [InlineData("sha256:ABCDEF0000000000000000000000000000000000000000000000000000000000")]
    [InlineData("sha512:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("sha256:0000000000000000000000000000000000000000000000000000000000000000 ")]
    public void Text_that_is_not_a_digest_is_refused(string text) => Assert.False(Sha256Digest.TryParse(text, out _));

    [Fact]
    public void Digest_reads_back_what_it_writes()
    {
        Assert.Equal("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Sha256Digest.Of([]).ToString());
        Assert.Equal(s_one, Sha256Digest.Parse(s_one.ToString()));
        Assert.NotEqual(s_one, s_two);
    }

    private static long Lookups(FlistIndex index, int times)
    {
        long sum = 0;
        for (int i = 0; i < times; i++)
            sum += index.FindChunk(i * 512) + index[i % 3].Length + index.Range(i % 3).Length;
        return sum;
    }

    private static FlistChunk[] Chunks() =>
    [
        new()
        {
            DeviceOffset = 4096,
            Length = 8192,
            Blob = 0,
            Codec = ChunkCodec.Zstd,
            NeededAtStart = true,
            BlobOffset = 0,
            StoredLength = 100,
            StoredDigest = s_one,
            PlainDigest = s_two,
        },
        new()
        {
            DeviceOffset = 12288,
            Length = 4096,
            Blob = 1,
            Codec = ChunkCodec.Raw,
            BlobOffset = 7,
            StoredLength = 4096,
            StoredDigest = s_two,
            PlainDigest = s_two,
        },
        new()
        {
            DeviceOffset = 40960,
            Length = 4096,
            Blob = 1,
            Codec = ChunkCodec.Zstd,
            BlobOffset = 4103,
            StoredLength = 4096,
            StoredDigest = s_one,
            PlainDigest = s_one,
        },
    ];
}
