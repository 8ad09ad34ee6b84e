using ZeroOS.Formats.Streams;

namespace ZeroOS.Tests.Formats.Streams;

public sealed class SubStreamTests
{
    private readonly MemoryStream _whole = new([0, 1, 2, 3, 4, 5, 6, 7]);

    [Fact]
    public void Reads_begin_and_end_with_the_range_wherever_the_whole_stream_stands()
    {
        SubStream part = new(_whole, 2, 4);
        byte[] buffer = new byte[8];
        Assert.Equal((4, 0), (part.Read(buffer), part.Read(buffer)));
        Assert.Equal([2, 3, 4, 5], buffer[..4]);
        Assert.Equal(3, part.Seek(-1, SeekOrigin.End));
        _whole.Position = 0;
        Assert.Equal((5, -1), (part.ReadByte(), part.ReadByte()));
        part.Position = 100;
        Assert.Equal(0, part.Read(buffer));
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Position = -1);
    }

    [Fact]
    public void A_write_beyond_the_end_writes_nothing()
    {
        SubStream part = new(_whole, 2, 4) { Position = 2 };
        part.Write([9, 9]);
        Assert.Throws<IOException>(() => part.Write([9]));
        part.Position = 3;
        Assert.Throws<IOException>(() => part.Write([8, 8]));
        Assert.Equal([0, 1, 2, 3, 9, 9, 6, 7], _whole.ToArray());
        Assert.Throws<NotSupportedException>(() => part.SetLength(5));
    }

    [Fact]
    public void The_whole_stream_is_closed_with_it_unless_it_is_to_stay_open()
    {
        new SubStream(_whole, 0, 1, leaveOpen: true).Dispose();
        Assert.True(_whole.CanRead);
        new SubStream(_whole, 0, 1).Dispose();
        Assert.False(_whole.CanRead);
    }

    [Fact]
    public void A_stream_without_a_length_goes_forward_only_and_is_not_written()
    {
        using Forward forward = new();
        Assert.Equal((true, false, false), (forward.CanRead, forward.CanSeek, forward.CanWrite));
        Assert.Throws<NotSupportedException>(() => forward.Length);
        Assert.Throws<NotSupportedException>(() => forward.Position);
        Assert.Throws<NotSupportedException>(() => forward.Position = 0);
        foreach (SeekOrigin origin in Enum.GetValues<SeekOrigin>())
            Assert.Throws<NotSupportedException>(() => forward.Seek(0, origin));
        Assert.Throws<NotSupportedException>(() => forward.WriteByte(1));
    }

    private sealed class Forward : ReadableStream
    {
        public override int Read(Span<byte> buffer) => 0;
    }
}
