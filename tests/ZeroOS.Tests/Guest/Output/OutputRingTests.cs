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
    public void A_reader_hears_what_comes_after_it_or_what_is_there_from_the_start_and_then_the_end()
    {
        OutputRing ring = New(100);
        ring.Append(OutputStream.StandardOutput, "early "u8);
        int woken = 0;
        using OutputReader late = ring.Read(fromStart: false, () => woken++), early = ring.Read(fromStart: true, () => { });
        Assert.Equal((6, 0), (late.Offset, early.Offset));
        ring.Append(OutputStream.StandardError, "oops"u8);
        Assert.Equal(1, woken);
        Assert.Equal("2 oops", Read(late));
        Assert.Equal("1 early ", Read(early));
        Assert.Equal("2 oops", Read(early));
        Assert.Equal("0 ", Read(late));
        Assert.False(late.HasAll);
        ring.Complete();
        Assert.Equal((2, true, true), (woken, late.HasAll, early.HasAll));
    }

    [Fact]
    public void A_full_ring_waits_for_its_slowest_reader()
    {
        OutputRing ring = New(8, TimeSpan.FromSeconds(20));
        using OutputReader quick = ring.Read(fromStart: false, () => { }), slow = ring.Read(fromStart: false, () => { });
        Thread writer = new(() => ring.Append(OutputStream.StandardOutput, "0123456789abcdef"u8));
        writer.Start();
        StringBuilder heard = new();
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        while (heard.Length < 16)
        {
            deadline.Token.ThrowIfCancellationRequested();
            Read(quick);
            heard.Append(Read(slow, 3)[2..]);
        }
        Assert.True(writer.Join(TimeSpan.FromSeconds(20)));
        Assert.Equal("0123456789abcdef", heard.ToString());
        Assert.False(quick.IsLost || slow.IsLost);
    }

    [Fact]
    public void A_reader_that_hangs_or_takes_a_byte_now_and_then_loses_its_place_and_the_others_and_the_log_go_on()
    {
        OutputRing ring = New(8, TimeSpan.FromMilliseconds(200));
        OutputReader? hangs = null, trickles = null;
        hangs = ring.Read(fromStart: false, () => { });
        trickles = ring.Read(fromStart: false, () => { });
        using OutputReader reads = ring.Read(fromStart: false, () => { });
        ring.Append(OutputStream.StandardOutput, "01234567"u8);
        Assert.Equal("1 01234567", Read(reads));
        Thread writer = new(() => ring.Append(OutputStream.StandardOutput, "89abcdef"u8));
        writer.Start();
        while (!writer.Join(20))
        {
            if (!trickles.IsLost && trickles.Offset < 7)
                Read(trickles, 1);
        }
        Assert.True(hangs.IsLost && trickles.IsLost);
        Assert.Equal(("0 ", "1 89abcdef"), (Read(hangs), Read(reads)));
        Assert.False(reads.IsLost);
        Assert.Equal([(8, 1, "89abcdef")], TakeAll(ring, 0));
    }

    [Fact]
    public void A_reader_that_is_expected_is_waited_for_once_and_the_first_one_takes_its_place()
    {
        OutputRing ring = New(8, TimeSpan.FromSeconds(20));
        ring.ExpectReader();
        Thread writer = new(() => ring.Append(OutputStream.StandardOutput, "0123456789abcdef"u8));
        writer.Start();
        Assert.False(writer.Join(50));
        using (OutputReader reader = ring.Read(fromStart: true, () => { }))
        {
            StringBuilder heard = new();
            using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
            while (heard.Length < 16)
            {
                deadline.Token.ThrowIfCancellationRequested();
                heard.Append(Read(reader)[2..]);
            }
            Assert.Equal("0123456789abcdef", heard.ToString());
        }
        Assert.True(writer.Join(TimeSpan.FromSeconds(20)));
        ring.Append(OutputStream.StandardOutput, "nobody waits for what follows"u8);
    }

    [Fact]
    public void A_reader_loses_nothing_when_streams_alternate_more_often_than_is_remembered()
    {
        const int Changes = 20_000;
        OutputRing ring = New(1 << 20, TimeSpan.FromSeconds(20));
        using OutputReader reader = ring.Read(fromStart: false, () => { });
        Thread writer = new(() =>
        {
            for (int i = 0; i < Changes; i++)
                ring.Append(i % 2 == 0 ? OutputStream.StandardOutput : OutputStream.StandardError, "x"u8);
        });
        writer.Start();
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        for (int i = 0; i < Changes;)
        {
            deadline.Token.ThrowIfCancellationRequested();
            string piece = Read(reader);
            Assert.True(piece == "0 " || piece == $"{(i++ % 2) + 1} x", piece);
        }
        Assert.False(reader.IsLost);
        Assert.True(writer.Join(TimeSpan.FromSeconds(20)));
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

    private static string Read(OutputReader reader, int most = 100)
    {
        byte[] buffer = new byte[most];
        int count = reader.Look(buffer, out OutputStream stream);
        if (count > 0)
            reader.Taken(count);
        return $"{(int)stream} {Encoding.ASCII.GetString(buffer, 0, count)}";
    }

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
