using Xunit;

using ZeroOS.Cli.Output;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Tests.Cli.Verbs;

[Collection("zos")]
public sealed class StatsVerbTests : IAsyncLifetime
{
    private static readonly DateTimeOffset s_time = new(2026, 11, 30, 5, 45, 54, TimeSpan.Zero);
    private static readonly MachineSample s_sample = new()
    {
        Deployment = "web",
        Machine = "nginx",
        Starts = 1,
        CpuNanoseconds = 5_000_000_000,
        HeldBytes = 90 << 20,
        MemoryBytes = 256 << 20,
        UsedBytes = 41_200_000,
        ReceivedBytes = 999,
        SentBytes = 1536,
        ReadBytes = 0,
        WrittenBytes = 5L << 30,
        Pids = 12,
        CpuPressurePer10000 = 1_234,
        MemoryPressurePer10000 = 0,
        IoPressurePer10000 = 10_000,
    };

    private ZosBench _zos = null!;

    public async Task InitializeAsync() => _zos = await ZosBench.DeployedAsync();

    public async Task DisposeAsync() => await _zos.DisposeAsync();

    [Fact]
    public async Task One_sample_is_taken_over_a_second_and_printed()
    {
        _zos.Stats = _ => Moments();
        Assert.Equal("""
            MACHINE    CPU %  MEM USED / LIMIT  HELD     NET IN / OUT    DISK READ / WRITTEN  PIDS  WAITS CPU / MEM / DISK %
            web/db     --     -- / 256MiB       90.0MiB  -- / --         -- / --              --    -- / -- / --
            web/nginx  150.0  39.3MiB / 256MiB  90.0MiB  999B / 1.50KiB  0B / 5.00GiB         12    12.3 / 0.0 / 100.0

            """, await _zos.Ok("stats", "--no-stream"));
        Assert.Equal(new MachineStats { Follow = true }.Machines, _zos.StatsAsked.Single().Machines);
    }

    [Fact]
    public async Task Samples_are_printed_until_the_stream_ends_and_another_run_begins_anew()
    {
        MachineSample again = s_sample with { Starts = 2, CpuNanoseconds = 1 };
        _zos.Stats = _ => [.. Moments(), Piece(4, again), Piece(5, again)];
        string[] lines = (await _zos.Ok("stats", "web")).Split('\n');
        Assert.Equal(["--", "150.0", "--", "0.0"], lines.Where(l => l.StartsWith("web/nginx", StringComparison.Ordinal))
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
        Assert.Equal([new MachineName { Deployment = "web", Machine = "nginx" }], _zos.StatsAsked.Single().Machines);
    }

    [Fact]
    public async Task Json_is_a_piece_a_line_and_a_machine_that_is_not_there_is_said()
    {
        _zos.Stats = _ => Moments();
        Assert.StartsWith("""{"time":"2026-11-30T05:45:54Z","machines":[{"deployment":"web","machine":"nginx","starts":1,"cpuNanoseconds":5000000000""",
            await _zos.Ok("stats", "--json", "--no-stream"), StringComparison.Ordinal);
        Assert.Contains("no machine", await _zos.Fails(1, "stats", "nothing"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0L, "0B")]
    [InlineData(1023L, "1023B")]
    [InlineData(1024L, "1.00KiB")]
    [InlineData(10_240L, "10.0KiB")]
    [InlineData(102_400L, "100KiB")]
    [InlineData(long.MaxValue, "8388608TiB")]
    [InlineData(null, "--")]
    public void Sizes_are_short(long? bytes, string text) => Assert.Equal(text, StatsTable.Size(bytes));

    private static StatsPiece[] Moments() =>
    [
        Piece(0, s_sample),
        Piece(2, s_sample with { CpuNanoseconds = 8_000_000_000 }) with { More = true },
        Piece(2, new MachineSample { Deployment = "web", Machine = "db", Starts = 1, CpuNanoseconds = 0, HeldBytes = 90 << 20, MemoryBytes = 256 << 20 }),
    ];

    private static StatsPiece Piece(int seconds, MachineSample sample) => new() { Time = s_time.AddSeconds(seconds), Machines = [sample] };
}
