using System.Net;

using ZeroOS.Bus.Gates;
using ZeroOS.Node.Doors.Http;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Fuzz;

/// <summary>
/// The door's places and memory under strangers and tenants that open, prove, answer, upload and leave as they like, in a time of the model's own. Whatever
/// they do, an owner who comes has a place, proves himself, and has room for a whole message; the sums stay below their limits.
/// </summary>
internal sealed class BusResourceModel : IDisposable
{
    private const int Steps = 1_000, Tenants = 40, MaxBody = Gate.MaxBytes;
    private readonly Random _random;
    private readonly ManualClock _clock = new();
    private readonly ConnectionTable _table;
    private readonly BodyBudget _bodies = new();
    private readonly List<ConnectionPlace> _open = [];
    private readonly List<BodyRoom> _rooms = [];
    private readonly HashSet<ConnectionPlace> _ended = [];

    private BusResourceModel(int seed)
    {
        _random = new Random(seed);
        _table = new ConnectionTable(new ConnectionLimits(), _clock, new Random(seed));
    }

    /// <summary>One life of a door.</summary>
    public static void Run(int seed)
    {
        using BusResourceModel model = new(seed);
        for (int step = 0; step < Steps; step++)
        {
            model.Step();
            if (step % 50 == 0)
                model.OwnerComes();
        }
    }

    public void Dispose() => _table.Dispose();

    private void Step()
    {
        switch (_random.Next(12))
        {
            case 0 when _open.Count > 0:
                Leave(Any());
                break;
            case 1 when _open.Count > 0:
                Prove(Any(), $"tenant {_random.Next(Tenants)}");
                break;
            case 2 when _open.Count > 0:
                ConnectionPlace answered = Any();
                _table.SetBusy(answered, answered.Key is not null && _random.Next(3) > 0);
                break;
            case <= 5 when _open.Count > 0:
                if (_bodies.TryTake(Any(), _random.Next(1, MaxBody + 1), out BodyRoom room))
                    _rooms.Add(room);
                break;
            case 6 when _rooms.Count > 0:
                int which = _random.Next(_rooms.Count);
                _rooms[which].Return();
                _rooms.RemoveAt(which);
                break;
            case 7:
                _clock.Advance(TimeSpan.FromSeconds(_random.Next(4)));
                _table.Sweep();
                break;
            default:
                for (int burst = _random.Next(1, 60); burst > 0; burst--)
                    _open.Add(Enter(Address()));
                break;
        }
        _open.RemoveAll(_ended.Contains);
        _ended.Clear();
        CheckSums();
    }

    /// <summary>He comes from the strangers' own network as often as from another.</summary>
    private void OwnerComes()
    {
        ConnectionPlace place = Enter(_random.Next(2) == 0 ? Address() : "198.51.100.7");
        Assert.DoesNotContain(place, _ended);
        _table.SetBusy(place, true);
        Assert.True(_table.TryProve(place, "owner", Roles.Owner), "no place among the proven");
        Assert.True(_bodies.TryTake(place, MaxBody, out BodyRoom room), "no room for a message");
        room.Return();
        _table.SetBusy(place, false);
        _table.Leave(place);
        _open.RemoveAll(_ended.Contains);
        _ended.Clear();
    }

    private void CheckSums()
    {
        ConnectionLimits limits = new();
        Assert.InRange(_table.Count.Unproven, 0, limits.Unproven);
        Assert.InRange(_table.Count.Proven, 0, limits.Proven - limits.Reserved);
        Assert.InRange(_rooms.Where(r => r.Key is null).Sum(r => (long)r.Bytes), 0, BodyBudget.UnprovenBytes);
        Assert.InRange(_rooms.Where(r => r.Key is not null).Sum(r => (long)r.Bytes), 0, BodyBudget.ProvenBytes - BodyBudget.ReservedBytes);
        Assert.All(_rooms.Where(r => r.Key is not null).GroupBy(r => r.Key), k => Assert.InRange(k.Sum(r => (long)r.Bytes), 0, BodyBudget.KeyBytes));
    }

    private void Prove(ConnectionPlace place, string key)
    {
        if (_table.TryProve(place, key, Roles.Tenant))
            _table.SetBusy(place, _random.Next(2) == 0);
    }

    private void Leave(ConnectionPlace place)
    {
        _table.Leave(place);
        _open.Remove(place);
    }

    private ConnectionPlace Any() => _open[_random.Next(_open.Count)];

    private string Address() =>
        _random.Next(2) == 0 ? $"10.{_random.Next(4)}.{_random.Next(9)}.{_random.Next(99)}" : $"2001:db8:{_random.Next(9)}:{_random.Next(999):x}::1";

    private ConnectionPlace Enter(string address)
    {
        ConnectionPlace? place = null;
        place = new ConnectionPlace(Origin.Of(IPAddress.Parse(address)), _clock.GetTimestamp(), () => _ended.Add(place!));
        if (!_table.TryEnter(place))
            _ended.Add(place);
        return place;
    }
}
