using System.Net;

using Xunit;

using ZeroOS.Bus.Gates;
using ZeroOS.Node.Doors.Http;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Node.Doors.Http;

/// <summary>Who gets a place and who loses one, by the attack it is there for (review, findings 1b and 17).</summary>
public sealed class ConnectionTableTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly ConnectionTable _table;
    private readonly HashSet<ConnectionPlace> _gone = [];

    public ConnectionTableTests() => _table = new ConnectionTable(new ConnectionLimits(), _clock, new Random(7));

    public void Dispose() => _table.Dispose();

    [Fact]
    public void One_host_that_opens_ten_thousand_connections_throws_out_nobody_but_itself()
    {
        List<ConnectionPlace> honest = [.. Enumerable.Range(0, 100).Select(i => Enter($"198.51.{i}.1"))];
        for (int i = 0; i < 10_000; i++)
            Enter("203.0.113.5");
        Assert.DoesNotContain(honest, _gone.Contains);
        Assert.Equal(100 + 32, _table.Count.Unproven);
    }

    [Fact]
    public void A_network_has_an_eighth_and_a_full_table_takes_from_the_fullest_network()
    {
        ConnectionPlace early = Enter("192.0.2.1");
        for (int i = 0; i < 30_000; i++)
            Enter($"10.{i % 20}.0.{i % 250}");
        Assert.Equal(2048, _table.Count.Unproven);
        ConnectionPlace late = Enter("192.0.2.77");
        Assert.DoesNotContain(early, _gone);
        Assert.DoesNotContain(late, _gone);
        for (int i = 0; i < 5_000; i++)
            Enter($"2001:db8:7:{i:x}::1");
        Assert.DoesNotContain(early, _gone);
        Assert.Equal(2048, _table.Count.Unproven);
    }

    [Fact]
    public void A_stranger_without_a_new_message_of_a_known_key_has_ten_seconds()
    {
        ConnectionPlace stranger = Enter("192.0.2.1"), busy = Enter("192.0.2.2"), proven = Enter("192.0.2.3");
        _table.SetBusy(busy, true);
        Assert.True(_table.TryProve(proven, "alice", Roles.Tenant));
        _clock.Advance(TimeSpan.FromSeconds(11));
        _table.Sweep();
        Assert.Equal([stranger], _gone);
        _table.SetBusy(busy, false);
        _table.Sweep();
        Assert.Contains(busy, _gone);
        Assert.Equal((0, 1), _table.Count);
    }

    [Fact]
    public void A_proven_connection_counts_for_its_key_and_a_key_has_sixteen()
    {
        List<ConnectionPlace> own = [.. Enumerable.Range(0, 17).Select(_ => Prove("192.0.2.1", "alice", Roles.Tenant)!)];
        Assert.Equal([own[0]], _gone);      // the oldest idle one
        Assert.Equal((0, 16), _table.Count);
        Enter("192.0.2.1");
        Assert.Single(_gone);
    }

    [Fact]
    public void Tenants_never_get_the_places_kept_for_owners_and_idle_ones_protect_nobody()
    {
        List<ConnectionPlace> tenants = [];
        for (int i = 0; i < 600; i++)
        {
            tenants.Add(Prove($"10.0.{i % 200}.1", $"tenant{i % 60}", Roles.Tenant)!);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(480, _table.Count.Proven);
        for (int i = 0; i < 32; i++)
            Assert.NotNull(Prove("192.0.2.1", $"owner{i % 4}", Roles.Owner));
        Assert.Equal(512, _table.Count.Proven);
        // And with every place taken an owner takes one of a tenant who only sits there.
        int before = _gone.Count;
        Assert.NotNull(Prove("192.0.2.1", "owner9", Roles.Owner));
        Assert.Contains(_gone.Skip(before), tenants.Contains);
    }

    [Fact]
    public void A_busy_place_is_protected_for_as_long_as_the_request_and_no_longer()
    {
        List<ConnectionPlace> busy = [.. Enumerable.Range(0, 16).Select(_ => Prove("192.0.2.1", "alice", Roles.Tenant)!)];
        busy.ForEach(p => _table.SetBusy(p, true));
        ConnectionPlace more = Enter("192.0.2.1");
        Assert.False(_table.TryProve(more, "alice", Roles.Tenant));
        Assert.Empty(_gone);
        _table.SetBusy(busy[3], false);
        Assert.True(_table.TryProve(more, "alice", Roles.Tenant));
        Assert.Equal([busy[3]], _gone);
    }

    [Fact]
    public void A_connection_is_one_keys_and_a_taken_place_is_not_taken_twice()
    {
        ConnectionPlace place = Prove("192.0.2.1", "alice", Roles.Tenant)!;
        Assert.True(_table.TryProve(place, "alice", Roles.Tenant));
        Assert.False(_table.TryProve(place, "bob", Roles.Tenant));
        _table.Leave(place);
        _table.Leave(place);
        Assert.Equal((0, 0), _table.Count);
    }

    [Fact]
    public void Whatever_comes_and_goes_the_counts_stay_right_and_within_their_bounds()
    {
        int seed = Seeds.Of(nameof(ConnectionTableTests));
        Random random = new(seed);
        List<ConnectionPlace> open = [];
        for (int i = 0; i < 50_000; i++)
        {
            switch (random.Next(5))
            {
                case 0 when open.Count > 0:
                    int n = random.Next(open.Count);
                    _table.Leave(open[n]);
                    open.RemoveAt(n);
                    break;
                case 1 when open.Count > 0:
                    int k = random.Next(100);
                    _table.TryProve(open[random.Next(open.Count)], $"key{k}", k < 5 ? Roles.Owner : Roles.Tenant);
                    break;
                case 2 when open.Count > 0:
                    _table.SetBusy(open[random.Next(open.Count)], random.Next(3) == 0);
                    break;
                default:
                    open.Add(Enter(random.Next(2) == 0
                        ? $"10.{random.Next(4)}.{random.Next(9)}.{random.Next(99)}"
                        : $"2001:db8:{random.Next(9)}:{random.Next(999):x}::1"));
                    break;
            }
            open.RemoveAll(_gone.Contains);
        }
        Assert.True(_table.Count.Unproven + _table.Count.Proven == open.Count, $"seed {seed}: {_table.Count} beside {open.Count}");
        Assert.InRange(_table.Count.Unproven, 0, 2048);
        Assert.InRange(_table.Count.Proven, 0, 512);
        open.ForEach(_table.Leave);
        Assert.Equal((0, 0), _table.Count);
    }

    private ConnectionPlace Enter(string address)
    {
        ConnectionPlace? place = null;
        place = new ConnectionPlace(Origin.Of(IPAddress.Parse(address)), _clock.GetTimestamp(), () => _gone.Add(place!));
        if (!_table.TryEnter(place))
            _gone.Add(place);
        return place;
    }

    private ConnectionPlace? Prove(string address, string key, Roles roles)
    {
        ConnectionPlace place = Enter(address);
        return _table.TryProve(place, key, roles) ? place : null;
    }
}
