using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Keys;

/// <summary>
/// The node's sealing keys: one in use, replaced weekly, and for a day the one before. They are never written to a disk, so a seized disk opens no
/// recorded message at all; a restart of the node draws new ones with its new epoch, which every client has to learn anyway. Thread-safe.
/// </summary>
public sealed class SealingKeys : IDisposable
{
    private static readonly TimeSpan s_life = TimeSpan.FromDays(7);
    private static readonly TimeSpan s_overlap = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly IdentityKey _identity;
    private readonly TimeProvider _clock;
    private SealingKeyPair _current = SealingKeyPair.Generate();
    private SealingKeyPair? _previous;
    private long _drawn;
    private SealingKey _voucher;

    /// <summary>Draws the first key; <paramref name="clock"/>'s monotonic time decides the rotation.</summary>
    public SealingKeys(IdentityKey identity, TimeProvider clock)
    {
        (_identity, _clock) = (identity, clock);
        _drawn = clock.GetTimestamp();
        _voucher = SealingVoucher.Make(identity, _current.PublicKey);
    }

    /// <summary>The key to seal to, vouched for.</summary>
    public SealingKey Current
    {
        get
        {
            lock (_lock)
            {
                Rotate();
                return _voucher;
            }
        }
    }

    /// <summary>Opens what was sealed to the key in use or, for a day, to the one before; null otherwise.</summary>
    public byte[]? TryOpen(ReadOnlySpan<byte> cipher)
    {
        lock (_lock)
        {
            Rotate();
            return _current.TryOpen(cipher) ?? _previous?.TryOpen(cipher);
        }
    }

    /// <summary>Erases the private halves.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _current.Dispose();
            _previous?.Dispose();
        }
    }

    private void Rotate()
    {
        TimeSpan age = _clock.GetElapsedTime(_drawn);
        if (age >= s_life)
        {
            _previous?.Dispose();
            (_previous, _current) = (_current, SealingKeyPair.Generate());
            _drawn = _clock.GetTimestamp();
            _voucher = SealingVoucher.Make(_identity, _current.PublicKey);
            age -= s_life;      // a node nobody spoke to for long must not keep the old one for another day
        }
        if (_previous is not null && age >= s_overlap)
        {
            _previous.Dispose();
            _previous = null;
        }
    }
}
