using System.Buffers.Binary;

using Xunit;

using ZeroOS.Host.Clock;

namespace ZeroOS.Tests.Host.Clock;

public sealed class SntpTests
{
    private const ulong Nonce = 0x0123456789ABCDEF;
    private static readonly DateTimeOffset s_floor = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero), s_now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_question_is_version_4_mode_client_and_tells_nothing_but_a_number() =>
        Assert.Equal("23" + new string('0', 78) + "0123456789ABCDEF", Convert.ToHexString(SntpPacket.Request(Nonce)));

    [Fact]
    public void An_offset_is_what_rfc_5905_says_it_is()
    {
        byte[] answer = Answer(s_now + TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(20));
        Assert.Equal(SntpOutcome.Good, SntpPacket.TryRead(answer, Nonce, s_now, TimeSpan.FromMilliseconds(100), s_floor, out SntpSample sample));
        // Sent at 0, there at +5 s, back after 20 ms in the server, 100 ms in all: 40 ms each way.
        Assert.InRange(sample.Offset.TotalMilliseconds, 4959.9, 4960.1);
        Assert.InRange(sample.Error.TotalMilliseconds, 49, 70);
    }

    [Fact]
    public void Time_after_2036_is_read_in_the_next_era()
    {
        DateTimeOffset later = new(2040, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(SntpOutcome.Good, SntpPacket.TryRead(Answer(later, TimeSpan.Zero), Nonce, later, TimeSpan.Zero,
            new DateTimeOffset(2039, 1, 1, 0, 0, 0, TimeSpan.Zero), out SntpSample sample));
        Assert.InRange(sample.Offset.TotalSeconds, -0.1, 0.1);
    }

    [Theory]
    [InlineData(0, 0xE4, "the server is not synchronised")]
    [InlineData(0, 0x23, "a question, not an answer")]
    [InlineData(0, 0x0C, "version 1")]
    [InlineData(1, 16, "stratum 16")]
    [InlineData(31, 0, "another number than ours")]
    [InlineData(8, 0x40, "a root dispersion of hours")]
    public void An_answer_that_cannot_be_trusted_is_ignored(int at, byte value, string why)
    {
        byte[] answer = Answer(s_now, TimeSpan.Zero);
        answer[at] = value;
        Assert.True(SntpPacket.TryRead(answer, Nonce, s_now, TimeSpan.FromMilliseconds(10), s_floor, out _) == SntpOutcome.Ignored, why);
    }

    [Fact]
    public void A_kiss_of_death_is_recognised_only_with_our_number()
    {
        byte[] kiss = Answer(s_now, TimeSpan.Zero);
        kiss[1] = 0;
        Assert.Equal(SntpOutcome.KissOfDeath, SntpPacket.TryRead(kiss, Nonce, s_now, TimeSpan.Zero, s_floor, out _));
        Assert.Equal(SntpOutcome.Ignored, SntpPacket.TryRead(kiss, Nonce + 1, s_now, TimeSpan.Zero, s_floor, out _));
    }

    [Fact]
    public void Ten_thousand_broken_answers_are_read_without_an_exception()
    {
        byte[] good = Answer(s_now, TimeSpan.FromMilliseconds(1));
        Random random = new(7);
        int usable = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = [.. good.AsSpan(0, random.Next(8) == 0 ? random.Next(48) : 48)];
            for (int change = random.Next(1, 4); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (SntpPacket.TryRead(bytes, Nonce, s_now, TimeSpan.FromMilliseconds(10), s_floor, out SntpSample sample) == SntpOutcome.Good)
            {
                usable++;
                Assert.True(sample.Error > TimeSpan.Zero && sample.Error < TimeSpan.FromSeconds(5));
            }
        }
        Assert.InRange(usable, 500, 9500);
    }

    [Fact]
    public void The_majority_wins_and_its_surest_member_is_taken()
    {
        Assert.Equal(Sample(12, 20), ClockRules.Agree([Sample(10, 50), Sample(12, 20), Sample(9_000_000, 1)], 3));
        Assert.Null(ClockRules.Agree([Sample(0, 10), Sample(5000, 10)], 2));
        Assert.Null(ClockRules.Agree([Sample(0, 10), Sample(3, 10), Sample(5000, 10), Sample(5003, 10)], 4));
        Assert.Null(ClockRules.Agree([], 3));
    }

    [Fact]
    public void One_answer_is_enough_only_where_few_were_asked()
    {
        Assert.NotNull(ClockRules.Agree([Sample(0, 10)], 1));
        Assert.NotNull(ClockRules.Agree([Sample(0, 10)], 2));
        Assert.Null(ClockRules.Agree([Sample(0, 10)], 3));
    }

    [Theory]
    [InlineData(0.3, true, null, ClockAction.Slew)]
    [InlineData(-0.4, false, null, ClockAction.Slew)]
    [InlineData(0.5, true, null, ClockAction.Step)]
    [InlineData(-599, true, null, ClockAction.Step)]
    [InlineData(601, true, null, ClockAction.Disputed)]
    [InlineData(-86400, true, null, ClockAction.Disputed)]
    [InlineData(86400, false, null, ClockAction.Step)]
    [InlineData(-86400, false, null, ClockAction.Step)]
    [InlineData(-86400.0 * 22, false, null, ClockAction.BelowFloor)]
    [InlineData(86400, true, 86400.0 + 500, ClockAction.Step)]
    [InlineData(86400, true, 86400.0 + 700, ClockAction.Disputed)]
    public void What_is_done_depends_on_the_size_the_floor_the_past_and_an_owners_word(double seconds, bool synced, double? vouched, object action)
    {
        DateTimeOffset? approved = vouched is { } at ? s_now + TimeSpan.FromSeconds(at) : null;
        Assert.Equal((ClockAction)action, ClockRules.Decide(s_now, TimeSpan.FromSeconds(seconds), s_floor, synced, approved));
    }

    private static SntpSample Sample(double offsetMs, double errorMs) => new(TimeSpan.FromMilliseconds(offsetMs), TimeSpan.FromMilliseconds(errorMs));

    internal static byte[] Answer(DateTimeOffset received, TimeSpan inServer, ulong nonce = Nonce)
    {
        byte[] answer = new byte[48];
        answer[0] = 0x24;
        answer[1] = 2;
        BinaryPrimitives.WriteUInt64BigEndian(answer.AsSpan(24), nonce);
        Write(answer.AsSpan(32), received);
        Write(answer.AsSpan(40), received + inServer);
        return answer;
    }

    private static void Write(Span<byte> at, DateTimeOffset time)
    {
        double seconds = (time - new DateTimeOffset(1900, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds;
        BinaryPrimitives.WriteUInt32BigEndian(at, (uint)((long)Math.Floor(seconds) & 0xffffffff));
        BinaryPrimitives.WriteUInt32BigEndian(at[4..], (uint)((seconds - Math.Floor(seconds)) * 4294967296.0));
    }
}
