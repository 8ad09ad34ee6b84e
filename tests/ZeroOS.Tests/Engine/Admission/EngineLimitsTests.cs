using Xunit;

using ZeroOS.Contracts.Init;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Tests.Engine.Admission;

public sealed class EngineLimitsTests
{
    [Fact]
    public void Machines_are_bounded_by_what_PID_1_can_hold()
    {
        EngineLimits limits = new() { Cpus = 64, MemoryBytes = 1L << 40, StorageBytes = 1L << 44 };
        Assert.Equal(EngineLimits.MaxMachines, limits.Capacity.Machines);
        Assert.InRange(EngineLimits.MaxMachines, 512, InitLimits.MaxProcesses - 1);
        EngineLimits small = limits with { MemoryBytes = 1L << 30 };
        Assert.InRange(small.Capacity.Machines, 1, 20);
    }
}
