using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Gates;

/// <summary>
/// What strangers may cost: one token bucket per origin and one for all of them. The buckets are a fixed table under a secret hash, so a flood from a
/// million addresses takes no memory, and nobody can pick whose bucket they share. Thread-safe.
/// </summary>
public sealed class StrangerLimits
{
    /// <summary>Messages one origin may send at once.</summary>
    public const int OriginBurst = 10;

    /// <summary>Messages all strangers together may send at once.</summary>
    public const int TotalBurst = 100;

    private const double OriginPerSecond = 1;
    private const double TotalPerSecond = 50;
    private const int Buckets = 4096;

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly UInt128 _salt;
    private readonly Bucket[] _origins = new Bucket[Buckets];
    private Bucket _total;

    /// <summary>Full buckets.</summary>
    public StrangerLimits(TimeProvider clock)
    {
        _clock = clock;
        _salt = System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(Crypto.Random(16));
        long now = clock.GetTimestamp();
        Array.Fill(_origins, new Bucket { Tokens = OriginBurst, At = now });
        _total = new Bucket { Tokens = TotalBurst, At = now };
    }

    /// <summary>Takes a token for one message, or says no.</summary>
    public bool Allow(Origin origin)
    {
        UInt128 mixed = (origin.Network ^ _salt) * (_salt | 1);
        int slot = (int)((ulong)(mixed >> 64) >> 52);
        lock (_lock)
        {
            long now = _clock.GetTimestamp();
            ref Bucket own = ref _origins[slot];
            own.Refill(_clock.GetElapsedTime(own.At, now), now, OriginPerSecond, OriginBurst);
            if (own.Tokens < 1)
                return false;       // before the common bucket: one flooder must not empty it for the rest
            _total.Refill(_clock.GetElapsedTime(_total.At, now), now, TotalPerSecond, TotalBurst);
            if (_total.Tokens < 1)
                return false;
            own.Tokens--;
            _total.Tokens--;
            return true;
        }
    }

    private struct Bucket
    {
        public double Tokens;
        public long At;

        public void Refill(TimeSpan elapsed, long now, double perSecond, int burst)
        {
            Tokens = Math.Min(burst, Tokens + (elapsed.TotalSeconds * perSecond));
            At = now;
        }
    }
}
