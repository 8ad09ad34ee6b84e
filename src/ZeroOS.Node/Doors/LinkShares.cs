using System.Collections.Concurrent;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Doors;

namespace ZeroOS.Node.Doors;

/// <summary>A request's place on the link; given back once, at the latest with the answer's end.</summary>
internal sealed class LinkPlace(SemaphoreSlim share, SemaphoreSlim? key) : IDisposable
{
    private int _returned;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _returned, 1) != 0)
            return;
        share.Release();
        key?.Release();
    }
}

/// <summary>
/// Who may have how many requests on the link: strangers a few, tenants most, owners a part of their own, and no key more than its share. Who finds no place
/// waits a while.
/// </summary>
internal sealed class LinkShares
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _strangers = new(DoorLimits.StrangersAsked);
    private readonly SemaphoreSlim _tenants = new(DoorLimits.Asked - DoorLimits.ReservedAsked - DoorLimits.StrangersAsked);
    private readonly SemaphoreSlim _reserved = new(DoorLimits.ReservedAsked);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _keys = new(StringComparer.Ordinal);

    /// <summary>Takes a place.</summary>
    /// <exception cref="NodeLostException">None became free in time.</exception>
    public async Task<LinkPlace> EnterAsync(Screening sender, CancellationToken cancellation)
    {
        SemaphoreSlim share = sender.Roles == Roles.None ? _strangers : (sender.Roles & Roles.Reserved) != 0 ? _reserved : _tenants;
        SemaphoreSlim? key = sender.Roles == Roles.None ? null : _keys.GetOrAdd(sender.Sender, static _ => new SemaphoreSlim(DoorLimits.AskedPerKey));
        if (key is not null && !await key.WaitAsync(s_patience, cancellation))
            throw new NodeLostException("the key has its share of requests under way");
        bool entered = false;
        try
        {
            entered = await share.WaitAsync(s_patience, cancellation);
        }
        finally
        {
            if (!entered)
                key?.Release();
        }
        return entered ? new LinkPlace(share, key) : throw new NodeLostException("the node has no time");
    }

    /// <summary>Keys without a role have no share of their own any more.</summary>
    public void Forget(KnownKeys known)
    {
        foreach (string key in _keys.Keys)
        {
            if (known.RolesOf(key) == Roles.None)
                _keys.TryRemove(key, out _);
        }
    }
}
