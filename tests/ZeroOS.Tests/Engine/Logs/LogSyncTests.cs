using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Logs;
using ZeroOS.Linux;
using ZeroOS.Tests.Shared;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Logs;

/// <summary>What was written is on the medium within a second: seen was a power cut that cost 20 s of it.</summary>
public sealed class LogSyncTests : IDisposable
{
    private static readonly WorkloadId s_web = new("t", "shop", "web");

    private readonly TestFolder _folder = new();
    private readonly PlayedClock _clock = new();
    private readonly List<(string Path, bool IsFolder, TimeSpan At)> _calls = [];
    private readonly List<string> _said = [];
    private Action _disk = () => { };

    private string Own => Path.Combine(_folder.Path, TestNames.Names.Of(s_web));

    [Fact]
    public void Output_is_synced_within_a_second_of_its_arrival_and_a_log_once_a_second_at_most()
    {
        using LogStore logs = Open();
        List<TimeSpan> arrived = [];
        for (int i = 0; i < 2000; i++)
        {
            logs.Append(s_web, i * 2, OutputStream.StandardOutput, "x\n"u8);
            arrived.Add(Now);
            _clock.Advance(TimeSpan.FromMilliseconds(7));
        }
        _clock.Advance(TimeSpan.FromHours(1));
        List<TimeSpan> synced = [.. _calls.Where(c => !c.IsFolder).Select(c => c.At)];
        Assert.All(arrived, a => Assert.Contains(synced, s => s >= a && s <= a + TimeSpan.FromSeconds(1)));
        Assert.All(synced.Zip(synced.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromSeconds(1), $"{pair.First} and {pair.Second}"));
        Assert.InRange(synced.Count, 14, 16);       // of 14 s
        Assert.False(_clock.IsAnySet);              // nothing wakes while nothing is written
        Assert.Equal(synced.Count + 2, _calls.Count);
    }

    [Fact]
    public void The_data_goes_first_and_then_what_leads_to_it()
    {
        using LogStore logs = Open();
        logs.Append(s_web, 0, OutputStream.StandardOutput, "x\n"u8);
        Assert.Empty(_calls);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([(Segment(0), false), (Own, true), (_folder.Path, true)], _calls.Select(c => (c.Path, c.IsFolder)));
    }

    [Fact]
    public void A_segment_that_is_closed_is_synced_and_one_that_is_deleted_is_not()
    {
        using LogStore logs = Open(limitBytes: 8 * 1024);
        byte[] line = new byte[500];
        for (int i = 0; i < 100; i++)       // 50 KB through 8 KiB, in segments of 1 KiB
            logs.Append(s_web, i * 500, OutputStream.StandardOutput, line);
        _clock.Advance(TimeSpan.FromSeconds(1));
        List<string> there = [.. Directory.GetFiles(Own, "*.log").Order(StringComparer.Ordinal)];
        Assert.InRange(there.Count, 4, 16);
        Assert.Equal(there, _calls.Where(c => !c.IsFolder).Select(c => c.Path));
        Assert.Contains(_calls, c => c.Path == Own);
    }

    [Fact]
    public async Task A_disk_that_hangs_holds_up_neither_output_nor_rotation_nor_removal()
    {
        using LogStore logs = Open(limitBytes: 8 * 1024);
        using ManualResetEventSlim hangs = new(), goesOn = new();
        _disk = () =>
        {
            hangs.Set();
            goesOn.Wait();
        };
        logs.Append(s_web, 0, OutputStream.StandardOutput, "x\n"u8);
        Task round = Task.Run(() => _clock.Advance(TimeSpan.FromSeconds(1)));
        hangs.Wait();
        for (int i = 0; i < 100; i++)
            logs.Append(s_web, 2 + (i * 500), OutputStream.StandardOutput, new byte[500]);
        Assert.Equal(50_002, logs.WantedFrom(s_web));
        logs.Remove(s_web);
        goesOn.Set();
        await round;
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        Assert.Empty(_said);
    }

    [Fact]
    public async Task Whoever_waits_for_output_waits_for_a_round_that_has_taken_it()
    {
        using LogStore logs = Open();
        using ManualResetEventSlim hangs = new(), goesOn = new();
        _disk = () =>
        {
            hangs.Set();
            goesOn.Wait();
        };
        logs.Append(s_web, 0, OutputStream.StandardOutput, "last words\n"u8);
        Task round = Task.Run(() => _clock.Advance(TimeSpan.FromSeconds(1)));
        hangs.Wait();
        Task waits = Task.Run(() => logs.Sync(s_web));
        Assert.NotSame(waits, await Task.WhenAny(waits, Task.Delay(100)));
        goesOn.Set();
        await waits;
        Assert.Equal(3, _calls.Count);      // file and folders, once
        await round;
    }

    [Fact]
    public void What_the_disk_refuses_is_said_once_and_tried_again_with_the_next_output()
    {
        using LogStore logs = Open();
        _disk = () => throw new LinuxException(Errno.EIO, "fdatasync", "log");
        for (int i = 0; i < 10; i++)
        {
            logs.Append(s_web, i * 2, OutputStream.StandardOutput, "x\n"u8);
            _clock.Advance(TimeSpan.FromSeconds(2));
        }
        logs.Sync(s_web);       // stops nobody
        Assert.Contains("event=logs-not-synced", Assert.Single(_said), StringComparison.Ordinal);
        Assert.False(_clock.IsAnySet);
        _disk = () => { };
        _calls.Clear();
        logs.Append(s_web, 20, OutputStream.StandardOutput, "x\n"u8);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([Segment(0), Own, _folder.Path], _calls.Select(c => c.Path));
        Assert.Equal("1:x\n", LogText.Text(logs.Of(s_web))[^4..]);
    }

    [Fact]
    public void What_a_node_that_died_had_written_is_synced_by_the_next_one()
    {
        Open().Append(s_web, 0, OutputStream.StandardOutput, "x\n"u8);     // and it never gets to its round
        _calls.Clear();
        using LogStore again = Open();
        Assert.Equal(2, again.WantedFrom(s_web));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([Segment(0), Own, _folder.Path], _calls.Select(c => c.Path).Distinct());
    }

    [Fact]
    public void What_is_left_is_synced_when_the_node_ends()
    {
        LogStore logs = Open();
        logs.Append(s_web, 0, OutputStream.StandardOutput, "x\n"u8);
        logs.Dispose();
        Assert.Equal(3, _calls.Count);
        Assert.False(_clock.IsAnySet);
    }

    [Fact]
    public void The_end_of_a_machine_is_stored_behind_its_last_words()
    {
        using EngineBench bench = EngineBench.Deployed(EngineBench.With(EngineBench.Shop(), 1, d => d with { Restart = RestartPolicy.Never }));
        List<(WorkloadState State, bool IsLog)> synced = [];
        bench.LogSynced = path => synced.Add((bench.Status("web").State, path.EndsWith(".log", StringComparison.Ordinal)));
        bench.Engine.Output(bench.Id("web"), 0, OutputStream.StandardOutput, "last words\n"u8);
        Assert.Empty(synced);
        bench.World.End(bench.Id("web"), 0);
        bench.Settle();
        Assert.Equal(WorkloadState.Exited, bench.Status("web").State);
        Assert.Contains((WorkloadState.Running, true), synced);
        Assert.DoesNotContain(synced, s => s.State == WorkloadState.Exited);
    }

    [Fact]
    public void A_real_disk_takes_files_and_folders_says_what_it_refuses_and_misses_nothing_that_is_gone()
    {
        LogStore logs = new(_folder.Path, TestNames.Names);
        logs.Append(s_web, 0, OutputStream.StandardOutput, "x\n"u8);
        logs.Sync(s_web);
        logs.Dispose();
        LogDisk.Sync(Segment(0), isFolder: false);
        LogDisk.Sync(Own, isFolder: true);
        LogDisk.Sync(Segment(7), isFolder: false);
        Assert.Equal(Errno.EINVAL, Assert.Throws<LinuxException>(() => LogDisk.Sync("/proc/self/status", isFolder: false)).Errno);
        Assert.Throws<LinuxException>(() => LogDisk.Sync(Segment(0), isFolder: true));
    }

    public void Dispose() => _folder.Dispose();

    private TimeSpan Now => _clock.GetElapsedTime(0);

    private string Segment(long start) => Path.Combine(Own, $"{start:x16}.log");

    private LogStore Open(long limitBytes = 1 << 20) => new(_folder.Path, TestNames.Names, limitBytes: limitBytes, time: _clock, sync: (path, isFolder) =>
    {
        _disk();
        _calls.Add((path, isFolder, Now));
    }, log: new LineLog(_said.Add));
}
