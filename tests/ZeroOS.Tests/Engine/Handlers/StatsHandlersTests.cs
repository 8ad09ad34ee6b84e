using Xunit;

using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Tests.Bus;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Handlers;

/// <summary>What zos.machine.stats sends, and to whom.</summary>
public sealed class StatsHandlersTests : IDisposable
{
    private static readonly MachineName s_web = new() { Deployment = "shop", Machine = "web" };

    private readonly EngineBench _bench = EngineBench.Deployed();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_machine_that_runs_is_told_as_it_is_and_others_are_left_out()
    {
        _bench.World.Uses[_bench.Id("web")] = new MachineUse(1, 2, 3, 4, 5, 6, 7, 8)
        {
            Inside = new GuestUse { Pids = 9, PidsLimit = 10, CpuPressurePer10000 = 11, MemoryPressurePer10000 = 12, IoPressurePer10000 = 13 },
        };
        StatsPiece piece = (await ReadAsync(EngineBench.Alice, new MachineStats { Machines = [s_web, s_web] })).Single();
        Assert.Equal(_bench.Time.Now, piece.Time);
        Assert.Equal(new MachineSample
        {
            Deployment = "shop",
            Machine = "web",
            Starts = 1,
            CpuNanoseconds = 1,
            HeldBytes = 2,
            MemoryBytes = 3,
            UsedBytes = 4,
            ReceivedBytes = 5,
            SentBytes = 6,
            ReadBytes = 7,
            WrittenBytes = 8,
            Pids = 9,
            PidsLimit = 10,
            CpuPressurePer10000 = 11,
            MemoryPressurePer10000 = 12,
            IoPressurePer10000 = 13,
        }, piece.Machines.Single());
        Assert.Equal(piece.Machines, (await ReadAsync(EngineBench.Alice, new MachineStats())).Single().Machines);
        _bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), new MachineStop { Deployment = "shop", Machine = "web" });
        _bench.World.Obey();
        _bench.Settle();
        Assert.Empty((await ReadAsync(EngineBench.Alice, new MachineStats { Machines = [s_web] })).Single().Machines);
    }

    [Fact]
    public async Task Nobody_hears_of_anothers_machines()
    {
        _bench.Grant(EngineBench.Bob);
        Assert.Empty((await ReadAsync(EngineBench.Bob, new MachineStats())).Single().Machines);
        Assert.Equal(ErrorCodes.NotFound, await RefusedAsync(EngineBench.Bob, new MachineStats { Machines = [s_web] }));
        Assert.Equal(ErrorCodes.NotFound, await RefusedAsync(EngineBench.Alice, new MachineStats { Machines = [s_web with { Machine = "data" }] }));
        Assert.Equal(ErrorCodes.Invalid,
            await RefusedAsync(EngineBench.Alice, new MachineStats { Machines = [.. Enumerable.Repeat(s_web, MachineStats.MaxMachines + 1)] }));
    }

    [Fact]
    public async Task Many_machines_of_one_moment_come_in_pieces()
    {
        const int Machines = 10;
        string flist = $$"""{ "reference": "registry.example/a:1", "digest": "{{EngineBench.Digest('a')}}" }""";
        IEnumerable<string> machines = Enumerable.Range(0, Machines - 1)
            .Select(i => $$"""{ "name": "m{{i}}", "type": "zmachine", "data": { "flist": {{flist}}, "memory": "128MiB" } }""");
        _bench.Apply(EngineBench.Parse($$"""{ "name": "many", "version": 1, "workloads": [ {{string.Join(", ", machines)}} ] }"""));
        _bench.Settle();
        List<StatsPiece> pieces = await ReadAsync(EngineBench.Alice, new MachineStats(), mostSamples: 4);
        Assert.Equal([4, 4, 2], pieces.Select(p => p.Machines.Count));
        Assert.Equal([true, true, false], pieces.Select(p => p.More));
        Assert.Single(pieces.Select(p => p.Time).Distinct());
        Assert.Equal(Machines, pieces.SelectMany(p => p.Machines).Select(m => (m.Deployment, m.Machine)).Distinct().Count());
    }

    [Fact]
    public async Task A_stream_that_is_followed_goes_on_until_its_reader_leaves()
    {
        using CancellationTokenSource leaves = new();
        await using IAsyncEnumerator<StatsPiece> stream =
            _bench.Handlers.Stats.Read(Asked.By(EngineBench.Alice), new MachineStats { Follow = true }, leaves.Token).GetAsyncEnumerator();
        for (int i = 0; i < 3; i++)
        {
            _bench.World.Uses[_bench.Id("web")] = new MachineUse(i, 0, 0, null, null, null, null, null);
            Assert.True(await stream.MoveNextAsync());
            Assert.Equal(i, stream.Current.Machines.Single().CpuNanoseconds);
        }
        Task<bool> next = stream.MoveNextAsync().AsTask();
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    private async Task<List<StatsPiece>> ReadAsync(string tenant, MachineStats request, int? mostSamples = null)
    {
        _bench.Handlers.Stats.MostSamples = mostSamples ?? StatsPiece.MaxSamples;
        List<StatsPiece> pieces = [];
        await foreach (StatsPiece piece in _bench.Handlers.Stats.Read(Asked.By(tenant), request, default))
            pieces.Add(piece);
        return pieces;
    }

    private async Task<string> RefusedAsync(string tenant, MachineStats request) =>
        (await Assert.ThrowsAsync<BusErrorException>(() => ReadAsync(tenant, request))).Error.Code;
}
