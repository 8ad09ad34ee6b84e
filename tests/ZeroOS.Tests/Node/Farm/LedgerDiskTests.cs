using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Farm;

namespace ZeroOS.Tests.Node.Farm;

/// <summary>The ledger on two disks, which are folders here: what was spent stays spent.</summary>
public sealed class LedgerDiskTests : IDisposable
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private readonly string _base = Directory.CreateTempSubdirectory("zeroos-ledger").FullName;
    private readonly IdentityKey _node = IdentityKey.Generate();
    private readonly StorageDisk[] _pool;
    private readonly List<string> _lost = [];

    public LedgerDiskTests() => _pool = [Disk("a"), Disk("b")];

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void An_order_is_spent_once_on_whichever_disk_is_left()
    {
        Open(_pool).Spend("1", s_now.AddDays(6), s_now);
        foreach (StorageDisk left in _pool)
            Assert.Equal(ErrorCodes.Replayed, Refused(Open(left), "1"));
    }

    [Fact]
    public void An_order_is_forgotten_a_day_after_its_end_when_it_does_not_count_anyway()
    {
        LedgerStore ledger = Open(_pool);
        ledger.Spend("1", s_now.AddDays(1), s_now);
        ledger.Spend("2", s_now.AddDays(9), s_now.AddHours(47));
        Assert.Equal(["1", "2"], ledger.Current.Spent!.Keys.Order());
        ledger.Spend("3", s_now.AddDays(9), s_now.AddHours(49));
        Assert.Equal(["2", "3"], ledger.Current.Spent!.Keys.Order());
    }

    [Fact]
    public void A_disk_that_refuses_is_told_before_the_order_counts_and_the_other_has_it()
    {
        LedgerStore ledger = Open(_pool);
        Directory.Delete(_pool[0].Root, recursive: true);
        ledger.Spend("1", s_now.AddDays(6), s_now);
        Assert.Equal([_pool[0].Root], _lost);
        Assert.Equal(ErrorCodes.Replayed, Refused(Open(_pool[1]), "1"));
    }

    [Fact]
    public void Without_another_disk_an_order_that_cannot_be_remembered_does_not_count()
    {
        LedgerStore ledger = new([_pool[0]], _node, counter: null, (_, _) => false);
        Directory.Delete(_pool[0].Root, recursive: true);
        Assert.ThrowsAny<IOException>(() => ledger.Spend("1", s_now.AddDays(6), s_now));
        Assert.Null(ledger.Current.Spent);
    }

    [Fact]
    public void So_many_orders_are_remembered_and_no_more_until_some_ended()
    {
        Ledger full = new()
        {
            Node = _node.Id.Text,
            Generation = 1,
            Spent = Enumerable.Range(0, LedgerStore.MaxSpent).ToDictionary(i => $"order {i}", _ => s_now),
        };
        File.WriteAllBytes(_pool[0].StateDirectory + "/ledger", full.ToBytes(_node));
        LedgerStore ledger = Open(_pool);
        Assert.Equal(ErrorCodes.Busy, Refused(ledger, "one more"));
        ledger.Spend("one more", s_now.AddDays(9), s_now.AddDays(2));
        Assert.Equal(["one more"], ledger.Current.Spent!.Keys);
    }

    private static string Refused(LedgerStore ledger, string id) =>
        Assert.Throws<BusErrorException>(() => ledger.Spend(id, s_now.AddDays(6), s_now)).Error.Code;

    private LedgerStore Open(params StorageDisk[] pool) => new(pool, _node, counter: null, (disk, _) =>
    {
        _lost.Add(disk.Root);
        return true;
    });

    private StorageDisk Disk(string name)
    {
        Directory.CreateDirectory($"{_base}/{name}");
        return new StorageDisk($"{_base}/{name}");
    }
}
