using Microsoft.AspNetCore.Connections;

using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// Who may have a connection. Everybody begins among the unproven ones, which count for their origin and have little time. A connection that carried a new
/// message of somebody with a role counts for that key from then on. A place is protected only while such a request is being answered; at all other times it
/// can be taken for somebody else. Thread-safe.
/// </summary>
internal sealed class ConnectionTable : IDisposable
{
    private readonly ConnectionLimits _limits;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private readonly OriginTree _unproven;
    private readonly Dictionary<string, List<ConnectionPlace>> _keys = new(StringComparer.Ordinal);
    private readonly ITimer _sweep;
    private int _proven;
    private int _tenants;

    /// <summary>An empty table.</summary>
    public ConnectionTable(ConnectionLimits limits, TimeProvider clock, Random random)
    {
        (_limits, _clock) = (limits, clock);
        _unproven = new OriginTree(limits.Unproven, random);
        _sweep = clock.CreateTimer(_ => Sweep(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Connections now: unproven and proven.</summary>
    public (int Unproven, int Proven) Count
    {
        get
        {
            lock (_lock)
                return (_unproven.Count, _proven);
        }
    }

    /// <summary>
    /// Gives a connection that was just accepted a place among the unproven ones; null: there is none. Whoever comes to serve it says how it is ended
    /// (<see cref="ConnectionPlace.TryBind"/>) and that it has gone (<see cref="Leave"/>).
    /// </summary>
    public ConnectionPlace? Enter(Origin origin)
    {
        ConnectionPlace place = new(origin, _clock.GetTimestamp(), static () => { });
        return TryEnter(place) ? place : null;
    }

    /// <summary>Lets one of Kestrel's connections be served, which has its place among its features, until it has gone.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        try
        {
            await next(connection);
        }
        finally
        {
            if (connection.Features.Get<ConnectionPlace>() is ConnectionPlace place)
                Leave(place);
        }
    }

    /// <summary>A request of somebody with a role, well signed, is being answered on it, or no more.</summary>
    public void SetBusy(ConnectionPlace place, bool busy)
    {
        lock (_lock)
        {
            place.Busy = busy;
            if (!busy)
                place.IdleSince = _clock.GetTimestamp();
        }
    }

    /// <summary>
    /// The connection carried a new message of <paramref name="key"/>: it counts for that key from now on. False: the key has its places, all of them busy, or
    /// the table is full of busy ones; the connection then ends after this answer.
    /// </summary>
    public bool TryProve(ConnectionPlace place, string key, Roles roles)
    {
        ConnectionPlace? victim = null;
        lock (_lock)
        {
            if (place.Key is not null || place.Index < 0)
                return place.Key == key;    // one connection is one key's
            if (!TryMakeRoom(key, IsTenant(roles), out victim))
                return false;
            _unproven.Remove(place);
            (place.Key, place.Roles) = (key, roles);
            if (!_keys.TryGetValue(key, out List<ConnectionPlace>? places))
                _keys[key] = places = [];
            places.Add(place);
            Tally(place, 1);
        }
        victim?.Abort();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _sweep.Dispose();

    /// <summary>The connection has gone, or has its place no more; again: nothing.</summary>
    public void Leave(ConnectionPlace place)
    {
        lock (_lock)
            Remove(place);
    }

    internal bool TryEnter(ConnectionPlace place)
    {
        ConnectionPlace? victim;
        lock (_lock)
        {
            if (!_unproven.TryAdd(place, out victim))
            {
                place.Index = -1;
                return false;
            }
            if (victim is not null)
                victim.Index = -1;
        }
        victim?.Abort();
        return true;
    }

    /// <summary>Ends unproven connections whose time is over.</summary>
    internal void Sweep()
    {
        List<ConnectionPlace> late;
        lock (_lock)
        {
            late = [.. _unproven.All.Where(p => !p.Busy && _clock.GetElapsedTime(p.EnteredAt) > _limits.UnprovenLife)];
            late.ForEach(Remove);
        }
        late.ForEach(p => p.Abort());
    }

    private static bool IsTenant(Roles roles) => (roles & Roles.Reserved) == 0;

    private bool TryMakeRoom(string key, bool tenant, out ConnectionPlace? victim)
    {
        victim = null;
        List<ConnectionPlace>? own = _keys.GetValueOrDefault(key);
        if (own?.Count >= _limits.PerKey)
            victim = OldestIdle(own);
        else if (_proven < _limits.Proven && !(tenant && _tenants >= _limits.Proven - _limits.Reserved))
            return true;
        else
            victim = OldestIdle(_keys.Values.Where(k => !tenant || IsTenant(k[0].Roles)).OrderByDescending(k => k.Count).SelectMany(k => k));
        if (victim is not null)
            Remove(victim);
        return victim is not null;
    }

    // The first key is the one with the most connections; among its idle ones the oldest goes.
    private static ConnectionPlace? OldestIdle(IEnumerable<ConnectionPlace> places)
    {
        ConnectionPlace? first = places.FirstOrDefault(p => !p.Busy);
        return first is null ? null : places.Where(p => !p.Busy && p.Key == first.Key).MinBy(p => p.IdleSince);
    }

    private void Remove(ConnectionPlace place)
    {
        if (place.Index < 0)
            return;
        if (place.Key is null)
        {
            _unproven.Remove(place);
        }
        else
        {
            List<ConnectionPlace> places = _keys[place.Key];
            places.Remove(place);
            if (places.Count == 0)
                _keys.Remove(place.Key);
            Tally(place, -1);
        }
        place.Index = -1;
    }

    private void Tally(ConnectionPlace place, int by)
    {
        _proven += by;
        _tenants += IsTenant(place.Roles) ? by : 0;
    }
}
