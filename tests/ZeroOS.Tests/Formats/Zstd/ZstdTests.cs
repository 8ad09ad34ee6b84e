using Xunit;

using ZeroOS.Formats.Zstd;

namespace ZeroOS.Tests.Formats.Zstd;

public sealed class ZstdTests
{
    [Fact]
    public void Compressed_block_decompresses_to_the_same_bytes()
    {
        byte[] plain = Text(300_000);
        byte[] stored = Compress(plain);
        Assert.InRange(stored.Length, 1, plain.Length / 2);
        byte[] back = new byte[plain.Length];
        using ZstdDecompressor decompressor = new();
        Assert.True(decompressor.TryDecompress(stored, back));
        Assert.Equal(plain, back);
    }

    [Fact]
    public void Window_finds_again_what_was_megabytes_before()
    {
        byte[] once = new byte[1_000_000], plain = new byte[10_000_000];
        new Random(7).NextBytes(once);
        once.CopyTo(plain, 0);
        once.CopyTo(plain, plain.Length - once.Length);
        byte[] stored = new byte[ZstdLibrary.CompressBound(plain.Length)];
        using ZstdCompressor near = new(level: 1), far = new(level: 1, window: 27);
        int length = far.Compress(plain, stored);
        Assert.InRange(length, once.Length, once.Length + 100_000);
        byte[] back = new byte[plain.Length];
        using ZstdDecompressor decompressor = new();
        Assert.True(decompressor.TryDecompress(stored.AsSpan(0, length), back));
        Assert.Equal(plain, back);
        Assert.InRange(near.Compress(plain, stored), 2 * once.Length, plain.Length);
        Assert.Throws<ArgumentException>(() => new ZstdCompressor(level: 1, window: 99));
    }

    [Fact]
    public void Block_of_another_size_is_refused()
    {
        byte[] stored = Compress(Text(5000));
        using ZstdDecompressor decompressor = new();
        Assert.False(decompressor.TryDecompress(stored, new byte[4999]));
        Assert.False(decompressor.TryDecompress(stored, new byte[5001]));
        Assert.False(decompressor.TryDecompress([], new byte[1]));
    }

    [Fact]
    public void Stream_reads_several_frames_in_small_steps()
    {
        byte[] one = Text(100_000), two = Text(70_000);
        using ZstdReadStream stream = new(new MemoryStream([.. Compress(one), .. Compress(two)]));
        MemoryStream all = new();
        byte[] step = new byte[777];
        for (int n; (n = stream.Read(step)) > 0;)
            all.Write(step, 0, n);
        Assert.Equal([.. one, .. two], all.ToArray());
    }

    [Fact]
    public void Stream_that_ends_inside_a_frame_is_refused()
    {
        byte[] stored = Compress(Text(100_000));
        using ZstdReadStream stream = new(new MemoryStream(stored, 0, stored.Length - 5));
        Assert.Throws<InvalidDataException>(() => stream.CopyTo(Stream.Null));
    }

    [Fact]
    public void Ten_thousand_mutations_never_do_more_than_fail()
    {
        Random random = new(7);
        byte[] plain = Text(8192), whole = Compress(plain), back = new byte[8192];
        using ZstdDecompressor decompressor = new();
        int refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] stored = (byte[])whole.Clone();
            for (int n = random.Next(1, 4); n > 0; n--)
                stored[random.Next(stored.Length)] = (byte)random.Next(256);
            refused += decompressor.TryDecompress(stored, back) ? 0 : 1;
        }
        Assert.InRange(refused, 1, 10_000);
    }

    private static byte[] Compress(byte[] plain)
    {
        using ZstdCompressor compressor = new(3);
        byte[] stored = new byte[ZstdLibrary.CompressBound(plain.Length)];
        return stored[..compressor.Compress(plain, stored)];
    }

    private static byte[] Text(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)("zeroos flist "[i % 13] + (i / 4096 % 3)))];
}
