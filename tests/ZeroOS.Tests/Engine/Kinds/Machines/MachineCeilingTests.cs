using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

/// <summary>Machines whose deployment says nothing of memory.</summary>
public sealed class MachineCeilingTests
{
    private const long MiB = 1 << 20, GiB = 1 << 30;

    [Theory]
    [InlineData(64 * GiB, 2 * GiB)]
    [InlineData(8 * GiB, 2 * GiB)]
    [InlineData(4 * GiB, 1 * GiB)]
    [InlineData(1000 * MiB + 1, 250 * MiB)]
    [InlineData(256 * MiB, 142 * MiB)]
    [InlineData(0, 142 * MiB)]
    public void The_ceiling_is_a_quarter_of_the_grant_within_bounds(long grant, long ceiling)
    {
        Grant given = EngineBench.GrantFor(EngineBench.Alice) with { Memory = new ByteSize(grant) };
        Assert.Equal(ceiling, MachineCeiling.Of(null, given));
        Assert.Equal(96 * MiB, MachineCeiling.Of(new ByteSize(96 * MiB), given));
        Assert.Equal(96 * MiB, MachineCeiling.Reserved(new ByteSize(96 * MiB)));
    }

    [Fact]
    public void Twenty_idle_machines_fit_a_node_of_four_gibibytes()
    {
        EngineLimits node = new() { Cpus = 4, MemoryBytes = 4 * GiB, StorageBytes = 100 * GiB };
        long each = node.MachineMemory(MachineCeiling.Reserved(null));
        Assert.InRange(each, 128 * MiB, 160 * MiB);
        Assert.True(20 * each <= node.Capacity.Memory.Bytes);
    }

    [Fact]
    public void A_machine_is_made_with_its_ceiling_and_counts_with_its_reservation()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        bench.Apply(EngineBench.With(EngineBench.Shop(), 1, d => d with { Memory = null }));
        bench.Settle();
        MachineStart start = bench.World.Machines[bench.Id("web")];
        Assert.Equal(1 * GiB, start.MemoryBytes);
        Assert.InRange(start.ReservedBytes, 128 * MiB, 160 * MiB);
        Assert.Equal(142 * MiB, bench.Store.Workload(bench.Id("web"))!.Memory);

        // What is said counts whole, and another grant restarts nothing.
        bench.Handlers.Grants.Put(Asked.By(EngineBench.Owner), EngineBench.GrantFor(EngineBench.Alice, 2) with { Memory = new ByteSize(8 * GiB) });
        bench.Settle();
        Assert.Same(start, bench.World.Machines[bench.Id("web")]);
        bench.Apply(EngineBench.With(EngineBench.Shop(), 2, d => d with { Memory = new ByteSize(512 * MiB) }));
        bench.Settle();
        Assert.Equal(512 * MiB, bench.World.Machines[bench.Id("web")].MemoryBytes);
        Assert.Equal(512 * MiB, bench.Store.Workload(bench.Id("web"))!.Memory);
    }

    [Fact]
    public void A_deployment_without_memory_is_read_and_stored_as_it_was_written()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        Deployment written = EngineBench.Parse($$"""
            { "name": "idle", "version": 1, "workloads": [
              { "name": "web", "type": "zmachine", "data": {
                "flist": { "reference": "registry.example/shop/web:1.4", "digest": "{{EngineBench.Digest('a')}}" } } } ] }
            """);
        bench.Apply(written);
        bench.Restart();
        Assert.Null(((ZmachineWorkload)bench.Store.Deployment(EngineBench.Alice, "idle")!.Content.Workloads[0]).Data.Memory);
    }
}
