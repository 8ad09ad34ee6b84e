using Xunit;

using ZeroOS.Init;

namespace ZeroOS.Tests.Init;

public sealed class ControlGroupsTests
{
    [Theory]
    [InlineData(512L << 10, 384L << 20)]        // three quarters
    [InlineData(4L << 20, 3L << 30)]
    [InlineData(64L << 20, 34L << 30)]          // half of it and 2 GiB
    public void Node_has_a_ceiling_by_the_computers_memory(long totalKibibytes, long expected)
    {
        FakeBootKernel kernel = new();
        kernel.Files["/proc/meminfo"] = $"MemTotal:       {totalKibibytes} kB\nMemFree:        1 kB\n";
        Assert.Equal(expected, new ControlGroups("/groups", kernel).NodeBytes());
    }

    [Fact]
    public void Computer_that_does_not_say_its_memory_sets_no_ceiling() => Assert.Equal(0, new ControlGroups("/groups", new FakeBootKernel()).NodeBytes());

    /// <summary>Finding 16: monitors had no share of processors and disks that the kernel holds them to.</summary>
    [Fact]
    public void A_group_has_its_share_of_threads_processors_and_disks()
    {
        FakeBootKernel kernel = new();
        new ControlGroups("/groups", kernel).Make("vm", new GroupLimits(0, 64, 200, 100, 3));
        Assert.Equal(["write /groups/vm/pids.max 64", "write /groups/vm/cpu.weight 200", "write /groups/vm/io.weight 100",
            "write /groups/vm/cpu.max 300000 100000"],
            kernel.Calls.Where(c => c.StartsWith("write", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_protected_is_protected_up_to_the_top_of_the_tree()
    {
        FakeBootKernel kernel = new();
        ControlGroups groups = new("/groups", kernel);
        groups.Make("node", new GroupLimits(1000, 5, 100, 100, 0));
        groups.Protect("node", ControlGroups.NodeLowBytes);
        Assert.Contains("write /groups/node/memory.max 1000", kernel.Calls);
        Assert.Contains($"write /groups/memory.low {256 << 20}", kernel.Calls);
        Assert.Contains($"write /groups/node/memory.low {256 << 20}", kernel.Calls);
    }
}
