using Xunit;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Contracts.Sessions;

/// <summary>Frames out of a stream in pieces of any size, with room that is lent and taken back.</summary>
public sealed class FrameBufferTests
{
    private const int Most = 70_000;

    [Fact]
    public void Frames_of_all_lengths_come_out_whole_however_they_come_and_room_is_wanted_for_long_ones_only()
    {
        Random random = new(7);
        FrameBuffer buffer = new(1, Most);
        byte[] room = new byte[FrameBuffer.LengthBytes + Most];
        bool lent = false;
        Queue<byte[]> sent = [];
        List<byte> wire = [];
        foreach (int length in (int[])[1, 2, FrameBuffer.OwnBytes - FrameBuffer.LengthBytes, FrameBuffer.OwnBytes, Most, 5, Most - 1, Most, 900, 3000])
        {
            byte[] frame = new byte[FrameBuffer.LengthBytes + length];
            random.NextBytes(frame);
            FrameBuffer.WriteLength(frame, length);
            sent.Enqueue(frame);
            wire.AddRange(frame);
        }
        for (int at = 0; at < wire.Count || sent.Count > 0;)
        {
            while (buffer.TryTake(out Memory<byte> frame))
                Assert.True(frame.Span.SequenceEqual(sent.Dequeue()));
            if (lent && buffer.TakeBack() is { } back)
            {
                Assert.Same(room, back);
                Array.Clear(back);
                lent = false;
            }
            if (buffer.WantsRoom)
            {
                Assert.False(lent);
                buffer.Lend(room);
                lent = true;
            }
            Memory<byte> free = buffer.Room();
            Assert.True(lent || free.Length <= FrameBuffer.OwnBytes);
            int count = Math.Min(random.Next(1, 5000), Math.Min(free.Length, wire.Count - at));
            wire.GetRange(at, count).ToArray().CopyTo(free);
            buffer.Filled(count);
            at += count;
        }
        Assert.Same(lent ? room : null, buffer.TakeBack());
        Assert.False(buffer.IsBroken || buffer.IsUnfinished || buffer.WantsRoom);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Most + 1)]
    public void Length_that_no_frame_has_wants_no_room(int length)
    {
        FrameBuffer buffer = new(1, Most);
        FrameBuffer.WriteLength(buffer.Room().Span, length);
        buffer.Filled(FrameBuffer.LengthBytes);
        Assert.False(buffer.TryTake(out _));
        Assert.True(buffer.IsBroken);
        Assert.False(buffer.WantsRoom);
    }

    [Fact]
    public void Room_that_is_taken_away_is_not_used_again()
    {
        FrameBuffer buffer = new(1, Most);
        FrameBuffer.WriteLength(buffer.Room().Span, Most);
        buffer.Filled(FrameBuffer.LengthBytes);
        Assert.False(buffer.TryTake(out _));
        byte[] room = new byte[FrameBuffer.LengthBytes + Most];
        buffer.Lend(room);
        Assert.Null(buffer.TakeBack());
        Assert.Same(room, buffer.Abandon());
        Assert.False(buffer.TryTake(out _));
        Assert.True(buffer.IsBroken);
        Assert.Null(buffer.Abandon());
    }
}
