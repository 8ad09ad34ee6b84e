using System.Buffers.Binary;

using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// Token buckets over the tree of origins: one for all, and one for each network, which holds an eighth of what is above it. They are a fixed table a level under a secret hash, so a flood
/// from a million addresses takes no memory, and nobody can pick whose bucket they share. Thread-safe.
/// </summary>
public sealed class BucketTree
{
    private const int BucketBits = 12;
    private const int Share = 8;

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly double _perSecond;
    private readonly double _burst;
    private readonly double _leastBurst;
    private readonly UInt128 _salt;
    private readonly Bucket[][] _branches = new Bucket[Origin.MaxLevels][];
    private Bucket _total;

    /// <summary>Full buckets: <paramref name="burst"/> tokens for all, refilled at <paramref name="perSecond"/>; no network's bucket holds fewer than <paramref name="leastBurst"/>.</summary>
    public BucketTree(TimeProvider clock, double perSecond, double burst, double leastBurst)
    {
        (_clock, _perSecond, _burst, _leastBurst) = (clock, perSecond, burst, leastBurst);
        _salt = BinaryPrimitives.ReadUInt128LittleEndian(Crypto.Random(16));
        for (int level = 0; level < _branches.Length; level++)
            Array.Fill(_branches[level] = new Bucket[1 << BucketBits], new Bucket { Tokens = burst, At = clock.GetTimestamp() });
        _total = new Bucket { Tokens = burst, At = clock.GetTimestamp() };
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
        return has & Refill(ref _total, now, _perSecond, _burst);
    }

    private void Charge(Origin origin, double cost)
    {
        for (int level = 0; level < origin.Levels; level++)
            Branch(origin, level).Tokens -= cost;
        _total.Tokens -= cost;
    }

    private bool Refill(ref Bucket bucket, long now, double rate, double burst)
    {
        bucket.Tokens = Math.Min(burst, bucket.Tokens + (_clock.GetElapsedTime(bucket.At, now).TotalSeconds * rate));
        bucket.At = now;
        return bucket.Tokens >= 1;
    }

    private ref Bucket Branch(Origin origin, int level)
    {
        UInt128 mixed = (origin.Branch(level) ^ _salt) * (_salt | 1);
        return ref _branches[level][(int)(mixed >> (128 - BucketBits))];    // the highest bits depend on all others
    }

    private struct Bucket
    {
        public double Tokens;
        public long At;
    }
}
