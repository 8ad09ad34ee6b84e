using System.Buffers.Binary;

using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// Token buckets over the tree of origins: one for all, and one for each network, which holds an eighth of what is above it. They are a fixed table a level
/// under a secret hash, so a flood from a million addresses takes no memory, and nobody can pick whose bucket they share. When the tokens of all are short, a
/// network must have taken none for the longer the shorter they are: networks without number share what there is, and one that comes for the first time in a
/// minute need not wait for them. Thread-safe.
/// </summary>
public sealed class BucketTree
{
    /// <summary>A network that took no token for so long is told from none: 10 ms doubled as often as may be asked of it.</summary>
    public static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(LeastRestMs << RestDoublings);

    private const int BucketBits = 12;
    private const int Share = 8;
    private const int LeastRestMs = 10, RestDoublings = 13;

    // Two networks share a time in one row, seldom in both.
    private const int TimeRows = 2, TimeBits = 16;

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly double _perSecond;
    private readonly double _burst;
    private readonly double _leastBurst;
    private readonly UInt128 _salt;
    private readonly Bucket[][] _branches = new Bucket[Origin.MaxLevels][];
    private readonly uint[] _taken = new uint[TimeRows << TimeBits];
    private readonly ulong[] _rowSalts = new ulong[TimeRows];
    private readonly long _began;
    private Bucket _total;

    /// <summary>
    /// Full buckets: <paramref name="burst"/> tokens for all, refilled at <paramref name="perSecond"/>; no network's bucket holds fewer than
    /// <paramref name="leastBurst"/>.
    /// </summary>
    public BucketTree(TimeProvider clock, double perSecond, double burst, double leastBurst)
    {
        (_clock, _perSecond, _burst, _leastBurst) = (clock, perSecond, burst, leastBurst);
        _salt = BinaryPrimitives.ReadUInt128LittleEndian(Crypto.Random(16));
        for (int row = 0; row < TimeRows; row++)
            _rowSalts[row] = BinaryPrimitives.ReadUInt64LittleEndian(Crypto.Random(8)) | 1;
        for (int level = 0; level < _branches.Length; level++)
            Array.Fill(_branches[level] = new Bucket[1 << BucketBits], new Bucket { Tokens = burst, At = clock.GetTimestamp() });
        _began = clock.GetTimestamp();
        _total = new Bucket { Tokens = burst, At = _began };
    }

    /// <summary>Takes a token at every level, or none and says no.</summary>
    public bool TryTake(Origin origin)
    {
        lock (_lock)
        {
            if (!HasToken(origin))
                return false;
            Charge(origin, 1);
            return true;
        }
    }

    /// <summary>Whether every level has a token; takes none.</summary>
    public bool Has(Origin origin)
    {
        lock (_lock)
            return HasToken(origin);
    }

    /// <summary>Takes what something cost after it was found out: a bucket may go below zero, and pays that back before it gives again.</summary>
    public void Take(Origin origin, double cost)
    {
        lock (_lock)
        {
            _ = HasToken(origin);       // refills
            Charge(origin, cost);
        }
    }

    // Every level is looked at before any is charged: a flooder without tokens of its own must not empty what it shares with others.
    private bool HasToken(Origin origin)
    {
        long now = _clock.GetTimestamp();
        bool has = true;
        double rate = _perSecond, burst = _burst;
        for (int level = 0; level < origin.Levels; level++)
        {
            (rate, burst) = (rate / Share, Math.Max(burst / Share, _leastBurst));
            has &= Refill(ref Branch(origin, level), now, rate, burst);
        }
        return has & Refill(ref _total, now, _perSecond, _burst) && Rested(origin, now) >= LeastRest(_total.Tokens / _burst);
    }

    // None while half of the tokens are there; then twice as long for each 26th that is missing.
    private static double LeastRest(double left) => left >= 0.5 ? 0 : LeastRestMs * Math.Pow(2, RestDoublings * (1 - (2 * left)));

    // Milliseconds since the network took a token, or more than anybody asks for. The wrap after 49 days may cost one network one token.
    private double Rested(Origin origin, long now)
    {
        uint rested = 0;
        for (int row = 0; row < TimeRows; row++)
            rested = Taken(origin, row) is > 0 and uint at ? Math.Max(rested, Milliseconds(now) - at) : uint.MaxValue;
        return rested;
    }

    private void Charge(Origin origin, double cost)
    {
        for (int level = 0; level < origin.Levels; level++)
            Branch(origin, level).Tokens -= cost;
        _total.Tokens -= cost;
        for (int row = 0; row < TimeRows; row++)
            Taken(origin, row) = Milliseconds(_clock.GetTimestamp());
    }

    private bool Refill(ref Bucket bucket, long now, double rate, double burst)
    {
        bucket.Tokens = Math.Min(burst, bucket.Tokens + (_clock.GetElapsedTime(bucket.At, now).TotalSeconds * rate));
        bucket.At = now;
        return bucket.Tokens >= 1;
    }

    // Never 0, which says that nothing was taken yet.
    private uint Milliseconds(long now) => Math.Max(1, (uint)(long)_clock.GetElapsedTime(_began, now).TotalMilliseconds);

    private ref Bucket Branch(Origin origin, int level) =>
        ref _branches[level][(int)(Mix(origin, level) >> (128 - BucketBits))];   // the highest bits depend on all others

    private ref uint Taken(Origin origin, int row) =>
        ref _taken[(row << TimeBits) | (int)(((ulong)(Mix(origin, 0) >> 64) * _rowSalts[row]) >> (64 - TimeBits))];

    private UInt128 Mix(Origin origin, int level) => (origin.Branch(level) ^ _salt) * (_salt | 1);

    private struct Bucket
    {
        public double Tokens;
        public long At;
    }
}
