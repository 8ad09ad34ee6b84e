using System.Buffers.Binary;

namespace ZeroOS.Host.Clock;

/// <summary>What became of a time server's answer.</summary>
internal enum SntpOutcome
{
    /// <summary>It can be used.</summary>
    Good,

    /// <summary>Not an answer to our question, or one from a server that does not know the time.</summary>
    Ignored,

    /// <summary>The server wants to be left alone (RFC 5905, 7.4).</summary>
    KissOfDeath,
}

/// <summary>One answer: how far our clock is off, and how sure that is.</summary>
internal readonly record struct SntpSample(TimeSpan Offset, TimeSpan Error);

/// <summary>
/// SNTP on the wire (RFC 4330, RFC 5905 figure 8): 48 bytes each way. The question carries a random number instead of our time, so that only who saw it can
/// answer.
/// </summary>
internal static class SntpPacket
{
    /// <summary>Bytes of a message.</summary>
    public const int Bytes = 48;

    private const int ModeClient = 3, ModeServer = 4, NotSynchronized = 3;
    private const long SecondsTo1970 = 2_208_988_800, EraSeconds = 1L << 32;
    private static readonly TimeSpan s_mostRootError = TimeSpan.FromSeconds(2), s_leastError = TimeSpan.FromMilliseconds(10);

    /// <summary>Writes a question.</summary>
    public static byte[] Request(ulong nonce)
    {
        byte[] packet = new byte[Bytes];
        packet[0] = (4 << 3) | ModeClient;
        BinaryPrimitives.WriteUInt64BigEndian(packet.AsSpan(40), nonce);
        return packet;
    }

    /// <summary>Reads an answer.</summary>
    /// <param name="packet">What came.</param>
    /// <param name="nonce">The number in the question.</param>
    /// <param name="sent">Our clock when the question went out.</param>
    /// <param name="roundTrip">How long the answer took, by a clock that does not jump.</param>
    /// <param name="floor">Surely past: tells which of NTP's 136-year eras is meant.</param>
    /// <param name="sample">The measurement.</param>
    public static SntpOutcome TryRead(ReadOnlySpan<byte> packet, ulong nonce, DateTimeOffset sent, TimeSpan roundTrip, DateTimeOffset floor,
        out SntpSample sample)
    {
        sample = default;
        if (packet.Length < Bytes || (packet[0] & 7) != ModeServer || ((packet[0] >> 3) & 7) is not (3 or 4)
            || BinaryPrimitives.ReadUInt64BigEndian(packet[24..]) != nonce)
            return SntpOutcome.Ignored;
        if (packet[1] == 0)
            return SntpOutcome.KissOfDeath;
        TimeSpan rootDelay = Short(packet[4..]), rootDispersion = Short(packet[8..]);
        if (packet[0] >> 6 == NotSynchronized || packet[1] > 15 || rootDelay > s_mostRootError || rootDispersion > s_mostRootError || roundTrip < TimeSpan.Zero)
            return SntpOutcome.Ignored;
        DateTimeOffset received = Time(packet[32..], floor), answered = Time(packet[40..], floor);
        TimeSpan inServer = answered - received;
        if (inServer < TimeSpan.Zero || inServer > roundTrip + TimeSpan.FromMilliseconds(1))
            return SntpOutcome.Ignored;
        TimeSpan delay = roundTrip > inServer ? roundTrip - inServer : TimeSpan.Zero;
        TimeSpan offset = ((received - sent) + (answered - (sent + roundTrip))) / 2;
        sample = new SntpSample(offset, (delay / 2) + (rootDelay / 2) + rootDispersion + s_leastError);
        return SntpOutcome.Good;
    }

    private static TimeSpan Short(ReadOnlySpan<byte> fixedPoint) => TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(fixedPoint) / 65536.0);

    private static DateTimeOffset Time(ReadOnlySpan<byte> timestamp, DateTimeOffset floor)
    {
        long seconds = BinaryPrimitives.ReadUInt32BigEndian(timestamp) - SecondsTo1970;
        // One era later than the floor at most: a time before the floor is refused by its rule, and not turned into one 136 years ahead by much.
        if (seconds < floor.ToUnixTimeSeconds() - (EraSeconds / 2))
            seconds += EraSeconds;
        return DateTimeOffset.FromUnixTimeSeconds(seconds)
            .AddTicks((long)(BinaryPrimitives.ReadUInt32BigEndian(timestamp[4..]) * (TimeSpan.TicksPerSecond / 4294967296.0)));
    }
}
