using Xunit;

using ZeroOS.Client;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Client;

/// <summary>Processes as ps shows them.</summary>
public sealed class ProcessColumnsTests
{
    private static readonly DateTimeOffset s_now = new(2026, 12, 1, 1, 30, 0, TimeSpan.FromHours(2));
    private static readonly ProcessEntry s_process = new()
    {
        Id = 29,
        Parent = 1,
        User = 101,
        State = "S",
        Threads = 2,
        StartMs = s_now.AddMinutes(-5).ToUnixTimeMilliseconds(),
        CpuMs = 3_723_900,
        CpuPer1000 = 1_234,
        MemoryPer1000 = 56,
        VirtualKib = 9_000,
        ResidentKib = 4_000,
        Terminal = "pts/0",
        Command = "sh -c x",
    };

    [Fact]
    public void Columns_are_those_of_ps()
    {
        Assert.Equal("UID PID PPID C STIME TTY TIME CMD", string.Join(' ', ProcessColumns.Full.Titles));
        Assert.Equal(["101", "29", "1", "99", "01:25", "pts/0", "01:02:03", "sh -c x"], ProcessColumns.Full.Row(s_process, s_now));
        Assert.Equal("USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND", string.Join(' ', ProcessColumns.Users.Titles));
        Assert.Equal(["101", "29", "123.4", "5.6", "9000", "4000", "pts/0", "Sl", "01:25", "62:03", "sh -c x"], ProcessColumns.Users.Row(s_process, s_now));
    }

    [Theory]
    [InlineData("2026-12-01T00:00:00+02:00", "00:00")]
    [InlineData("2026-11-30T23:59:00+02:00", "Nov30")]
    [InlineData("2025-12-31T23:59:00+02:00", "2025")]
    public void Older_a_start_is_less_exactly_it_is_told(string start, string shown) => Assert.Equal(shown,
        ProcessColumns.Full.Row(s_process with { StartMs = DateTimeOffset.Parse(start, null).ToUnixTimeMilliseconds() }, s_now)[4]);

    [Fact]
    public void What_a_process_calls_itself_is_cleaned_and_cut()
    {
        ProcessEntry foreign = s_process with { Command = "\u001b[2J" + new string('x', 10_000), Terminal = null, State = "\n" };
        string[] row = ProcessColumns.Users.Row(foreign, s_now);
        Assert.Equal(("?", "?l"), (row[6], row[7]));
        Assert.StartsWith("?[2Jx", row[^1], StringComparison.Ordinal);
        Assert.Equal(ProcessEntry.MaxCommandBytes, row[^1].Length);
    }
}
