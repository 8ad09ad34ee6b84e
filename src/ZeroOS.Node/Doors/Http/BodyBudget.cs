using ZeroOS.Bus.Gates;

namespace ZeroOS.Node.Doors.Http;

/// <summary>
/// Memory for bodies that do not fit <see cref="FreeBytes"/>, in bytes: taken before a body grows, given back when it has been handed on. Connections that
/// count for a key draw on one part, of which tenants do not get all; those that count for an origin on another, with the shares of <see cref="OriginTree"/>
/// but at least one whole body. Both together fit the link to the node. Thread-safe.
/// </summary>
internal sealed class BodyBudget
{
    /// <summary>What every connection may hold without asking.</summary>
    public const int FreeBytes = 4096;

    /// <summary>Bytes of connections that count for their origin, together.</summary>
    public const int UnprovenBytes = 6 << 20;

    /// <summary>Bytes of connections that count for a key, together.</summary>
    public const int ProvenBytes = 9 << 20;

    /// <summary>Of those, bytes that tenants do not get.</summary>
    public const int ReservedBytes = 3 << 20;

    /// <summary>Bytes of one key.</summary>
    public const int KeyBytes = 2 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, int> _networks = [];
    private readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);
    private int _unproven;
    private int _proven;
    private int _tenants;

    /// <summary>Takes <paramref name="bytes"/> for a connection, or says no.</summary>
    public bool TryTake(ConnectionPlace place, int bytes, out BodyRoom room)
    {
        room = new BodyRoom(this, place.Key, place.Origin, (place.Roles & Roles.Reserved) == 0, bytes);
        lock (_lock)
        {
            if (!Fits(room))
                return false;
            Count(room, bytes);
            return true;
        }
    }

    /// <summary>Gives back what was taken.</summary>
    internal void Return(BodyRoom room)
    {
        lock (_lock)
            Count(room, -room.Bytes);
    }

    private bool Fits(BodyRoom room)
    {
        if (room.Key is not null)
        {
            return _keys.GetValueOrDefault(room.Key) + room.Bytes <= KeyBytes && _proven + room.Bytes <= ProvenBytes
                && !(room.IsTenant && _tenants + room.Bytes > ProvenBytes - ReservedBytes);
        }
        int limit = UnprovenBytes;
        bool fits = _unproven + room.Bytes <= limit;
        for (int level = 0; level < room.Origin.Levels; level++)
        {
            limit = Math.Max(limit / OriginTree.Share, Gate.MaxBytes);
            fits &= _networks.GetValueOrDefault(room.Origin.Branch(level)) + room.Bytes <= limit;
        }
        return fits;
    }

    private void Count(BodyRoom room, int bytes)
    {
        if (room.Key is not null)
        {
            _proven += bytes;
            _tenants += room.IsTenant ? bytes : 0;
            Add(_keys, room.Key, bytes);
            return;
        }
        _unproven += bytes;
        for (int level = 0; level < room.Origin.Levels; level++)
            Add(_networks, room.Origin.Branch(level), bytes);
    }

    private static void Add<TKey>(Dictionary<TKey, int> counts, TKey key, int bytes) where TKey : notnull
    {
        int sum = counts.GetValueOrDefault(key) + bytes;
        if (sum == 0)
            counts.Remove(key);
        else
            counts[key] = sum;
    }
}

/// <summary>What a body took of the budget.</summary>
internal readonly record struct BodyRoom(BodyBudget Budget, string? Key, Origin Origin, bool IsTenant, int Bytes)
{
    /// <summary>Gives it back; once.</summary>
    public void Return() => Budget?.Return(this);
}
