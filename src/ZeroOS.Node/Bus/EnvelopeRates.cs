using System.Collections.Concurrent;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Bus;

/// <summary>
/// How many envelopes a second may cost the node a look at their signature. It goes by the sender that an envelope claims, before anything is verified: a door
/// that claims another falsely is found out by the signature. Thread-safe.
/// </summary>
internal sealed class EnvelopeRates(IRoles known, TimeProvider clock)
{
    /// <summary>Envelopes a second of tenants and strangers together; as many at once.</summary>
    public const int PerSecond = 400;

    /// <summary>Envelopes a second of one tenant; twice as many at once.</summary>
    public const int PerSecondOfTenant = PerSecond / 8;

    /// <summary>Envelopes a second of all who have a part of their own, as owners have; twice as many at once.</summary>
    public const int ReservedPerSecond = 100;

    private readonly RateLimit _all = new(clock, PerSecond, PerSecond), _reserved = new(clock, ReservedPerSecond, 2 * ReservedPerSecond);
    private readonly ConcurrentDictionary<string, RateLimit> _tenants = new(StringComparer.Ordinal);

    /// <summary>Takes a token for this envelope, or says no.</summary>
    public bool Allow(ReadOnlySpan<byte> envelope)
    {
        Roles roles = EnvelopePeek.TrySender(envelope, out string? sender) ? known.RolesOf(sender) : Roles.None;
        if ((roles & Roles.Reserved) != 0)
            return _reserved.TryTake();
        return (roles == Roles.None || _tenants.GetOrAdd(sender!, NewRate).TryTake()) && _all.TryTake();
    }

    /// <summary>Keys have other roles than before: those without one have no rate of their own any more.</summary>
    public void Forget()
    {
        foreach (string key in _tenants.Keys)
        {
            if (known.RolesOf(key) == Roles.None)
                _tenants.TryRemove(key, out _);
        }
    }

    private RateLimit NewRate(string key) => new(clock, PerSecondOfTenant, 2 * PerSecondOfTenant);
}
