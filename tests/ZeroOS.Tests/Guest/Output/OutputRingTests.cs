using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Output;

namespace ZeroOS.Tests.Guest.Output;

public sealed class OutputRingTests
{
    [Fact]
    public void Both_streams_come_back_in_order_under_one_offset()
    {
        OutputRing ring = New(100);
        ring.Append(OutputStream.StandardOutput, "one "u8);
        ring.Append(OutputStream.StandardOutput, "two "u8);
        ring.Append(OutputStream.StandardError, "oops "u8);
        ring.Append(OutputStream.StandardOutput, "three"u8);
        Assert.Equal([(0, 1, "one two "), (8, 2, "oops "), (13, 1, "three")], TakeAll(ring, 0));
        Assert.Equal([(10, 2, "ps "), (13, 1, "three")], TakeAll(ring, 10));
    }

    [Fact]
    public void When_nobody_listens_the_oldest_gives_way_and_is_counted()
    {
        OutputRing ring = New(10);
        ring.Append(OutputStream.StandardOutput, "0123456789"u8);
        ring.Append(OutputStream.StandardError, "abcd"u8);
        Assert.Equal([(4, 1, "456789"), (10, 2, "abcd")], TakeAll(ring, 0));
        Assert.Equal(4, ring.Dropped);
    }

    [Fact]
    public void An_offset_beyond_the_end_is_moved_to_the_end()
    {
        OutputRing ring = New(10);
        ring.Append(OutputStream.StandardOutput, "abc"u8);
        long offset = 50;
        Assert.Equal(0, ring.Take(ref offset, new byte[10], out _));
        Assert.Equal(3, offset);
    }

    [Fact]
    public void While_somebody_listens_a_full_ring_waits_instead_of_dropping()
    {
        OutputRing ring = New(8, TimeSpan.FromSeconds(20));
        ring.Listen(0);
        Thread writer = new(() => ring.Append(OutputStream.StandardOutput, "0123456789abcdef"u8));
        writer.Start();
        StringBuilder heard = new();
        byte[] buffer = new byte[3];
        long offset = 0;
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        while (heard.Length < 16)
        {
            deadline.Token.ThrowIfCancellationRequested();
            int n = ring.Take(ref offset, buffer, out _);
            heard.Append(Encoding.ASCII.GetString(buffer, 0, n));
            offset += n;
            ring.Listen(offset);
        }
        Assert.True(writer.Join(TimeSpan.FromSeconds(20)));
        Assert.Equal("0123456789abcdef", heard.ToString());
        Assert.Equal(0, ring.Dropped);
    }

    [Fact]
    public void A_listener_that_hangs_costs_output_not_the_workload()
    {
        OutputRing ring = New(8, TimeSpan.FromMilliseconds(1));
        ring.Listen(0);
        ring.Append(OutputStream.StandardOutput, "0123456789abcdef"u8);
        Assert.Equal([(8, 1, "89abcdef")], TakeAll(ring, 0));
    }

    [Fact]
    public void Random_writes_and_reads_agree_with_a_plain_list_even_when_streams_alternate_every_byte()
    {
        Random random = new(7);
        OutputRing ring = New(20_000);
        List<(byte Byte, OutputStream Stream)> model = [];
        for (int round = 0; round < 60_000; round++)
        {
            byte[] piece = new byte[random.Next(1, 3)];
            random.NextBytes(piece);
            OutputStream stream = (round & 1) == 0 ? OutputStream.StandardOutput : OutputStream.StandardError;
            ring.Append(stream, piece);
            model.AddRange(piece.Select(b => (b, stream)));
        }
        long offset = 0;
        byte[] buffer = new byte[100];
        int heard = 0;
        while (ring.Take(ref offset, buffer, out OutputStream stream) is var n && n > 0)
        {
            for (int i = 0; i < n; i++)
                Assert.Equal(model[(int)offset + i], (buffer[i], stream));
            offset += n;
            heard += n;
        }
        Assert.Equal(model.Count, offset);
        Assert.InRange(heard, 10_000, 20_000);
    }

    private static OutputRing New(int capacity, TimeSpan? patience = null) => new(capacity, patience ?? TimeSpan.FromSeconds(1));

    private static List<(long, int, string)> TakeAll(OutputRing ring, long offset)
    {
        List<(long, int, string)> all = [];
        byte[] buffer = new byte[64];
        while (ring.Take(ref offset, buffer, out OutputStream stream) is var n && n > 0)
        {
            all.Add((offset, (int)stream, Encoding.ASCII.GetString(buffer, 0, n)));
            offset += n;
        }
        return all;
    }
}
