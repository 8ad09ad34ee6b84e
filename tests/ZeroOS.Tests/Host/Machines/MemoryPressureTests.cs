using Xunit;

using ZeroOS.Host.Machines;

namespace ZeroOS.Tests.Host.Machines;

public sealed class MemoryPressureTests
{
    private const long MiB = 1 << 20, GiB = 1 << 30;
    private readonly MemoryPressure _pressure = new(4 * GiB);

    [Fact]
    public void Nothing_happens_between_the_marks()
    {
        MemoryUse machine = Machine("a", "one", resident: 900 * MiB, balloon: 100 * MiB);
        Assert.Empty(_pressure.Targets(_pressure.Low, [machine]));
        Assert.Empty(_pressure.Targets(_pressure.High, [machine]));
        Assert.Null(_pressure.Victim(_pressure.Critical, [machine]));
    }

    [Fact]
    public void In_want_each_machine_over_its_reservation_gives_its_share_and_none_within_it()
    {
        MemoryUse small = Machine("a", "one", resident: 260 * MiB), large = Machine("b", "one", resident: 460 * MiB),
            within = Machine("c", "two", resident: 150 * MiB);
        long available = _pressure.High - (200 * MiB);
        Dictionary<string, long> targets = _pressure.Targets(available, [small, large, within]).ToDictionary();
        Assert.Equal(["a", "b"], targets.Keys.Order());
        // 100 and 300 MiB over: 50 and 150 MiB less than they have.
        Assert.Equal(GiB - (210 * MiB), targets["a"]);
        Assert.Equal(GiB - (310 * MiB), targets["b"]);
    }

    [Fact]
    public void No_guest_is_squeezed_below_its_reservation()
    {
        MemoryUse machine = Machine("a", "one", resident: 400 * MiB);
        (string _, long target) = Assert.Single(_pressure.Targets(0, [machine]));
        Assert.InRange(target, 0, machine.Ceiling - machine.Reserved);
        MemoryUse whole = machine with { Reserved = machine.Ceiling };
        Assert.Empty(_pressure.Targets(0, [whole]));
    }

    [Fact]
    public void With_room_again_balloons_are_let_go_by_halves()
    {
        MemoryUse machine = Machine("a", "one", resident: 200 * MiB, balloon: 512 * MiB);
        int turns = 0;
        while (machine.Balloon > 0)
        {
            (string _, long target) = Assert.Single(_pressure.Targets(_pressure.High + 1, [machine]));
            Assert.InRange(target, 0, machine.Balloon - 1);
            machine = machine with { Balloon = target };
            Assert.InRange(++turns, 0, 10);
        }
        Assert.Empty(_pressure.Targets(_pressure.High + 1, [machine]));
    }

    [Fact]
    public void When_squeezing_does_not_help_in_time_the_largest_of_the_tenant_most_over_is_killed_once()
    {
        MemoryUse[] machines =
        [
            Machine("largest", "modest", resident: 700 * MiB),
            Machine("a", "greedy", resident: 500 * MiB),
            Machine("b", "greedy", resident: 600 * MiB),
            Machine("c", "greedy", resident: 150 * MiB),
        ];
        for (int turn = 1; turn < MemoryPressure.PatienceTurns; turn++)
            Assert.Null(_pressure.Victim(0, machines));
        Assert.Equal("b", _pressure.Victim(0, machines));
        Assert.Null(_pressure.Victim(0, machines));
    }

    [Fact]
    public void Want_that_passes_kills_nobody_and_nobody_within_the_reservation_is_killed()
    {
        MemoryUse over = Machine("a", "one", resident: 500 * MiB), within = Machine("b", "one", resident: 100 * MiB);
        for (int turn = 1; turn < MemoryPressure.PatienceTurns; turn++)
            Assert.Null(_pressure.Victim(0, [over]));
        Assert.Null(_pressure.Victim(_pressure.High, [over]));
        Assert.Null(_pressure.Victim(0, [over]));
        MemoryPressure other = new(4 * GiB);
        for (int turn = 0; turn < 3 * MemoryPressure.PatienceTurns; turn++)
            Assert.Null(other.Victim(0, [within]));
    }

    private static MemoryUse Machine(string name, string tenant, long resident, long balloon = 0) => new(name, tenant, GiB, 160 * MiB, resident, balloon);
}
