using Xunit;

using ZeroOS.Contracts.Init;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Tests.Engine.Admission;

public sealed class EngineLimitsTests
{
    [Fact]
    public void What_is_promised_by_overcommit_is_reserved_only_by_its_share()
    {
        EngineLimits plain = new() { Cpus = 4, MemoryBytes = 8L << 30, StorageBytes = 1L << 40 }, twice = plain with { MemoryOvercommit = 2 };
        Assert.Equal(2 * plain.Capacity.Memory.Bytes, twice.Capacity.Memory.Bytes);
        Assert.Equal(plain.MachineMemory(1L << 30), plain.ReservedMemory(1L << 30));
        Assert.Equal(plain.MachineMemory(1L << 30) / 2, twice.ReservedMemory(1L << 30));
        Assert.Equal(plain.Capacity, (plain with { MemoryOvercommit = 0.1 }).Capacity);
    }

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
