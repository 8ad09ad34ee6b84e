using System.Text;

using Xunit;

using ZeroOS.Engine.Logs;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Logs;

public sealed class LogStoreTests
{
    private static readonly WorkloadId s_web = new("t", "shop", "web");

    [Fact]
    public void Output_is_kept_by_stream_and_in_order_over_a_restart_of_the_node()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path);
        logs.Begin(s_web);
        logs.Append(s_web, 0, 1, "one\n"u8);
        logs.Append(s_web, 4, 2, "two\n"u8);
        Assert.Equal(8, logs.WantedFrom(s_web));

        LogStore again = new(folder.Path);
        Assert.Equal(8, again.WantedFrom(s_web));
        again.Append(s_web, 4, 2, "two\nthree\n"u8);        // sent again from before what is stored
        again.Append(s_web, 100, 1, "later\n"u8);           // the guest dropped some
        Assert.Equal("1:one\n2:two\n2:three\n1:later\n", Text(again.Of(s_web)));
        Assert.Equal(106, again.WantedFrom(s_web));
        again.Begin(s_web);
        Assert.Equal(0, new LogStore(folder.Path).WantedFrom(s_web));
    }

    [Fact]
    public void What_is_kept_is_bounded_and_readers_keep_their_place()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, 64 * 1024);
        MachineLog log = logs.Of(s_web);
        long position = 0, offset = 0;
        StringBuilder followed = new();
        for (int i = 0; i < 5000; i++)
        {
            byte[] line = Encoding.ASCII.GetBytes($"line {i} of many\n");
            logs.Append(s_web, offset, 1, line);
            offset += line.Length;
            foreach (LogChunk chunk in log.Read(ref position, 1 << 20))
                followed.Append(Encoding.ASCII.GetString(chunk.Bytes.Span));
        }
        Assert.Equal(string.Concat(Enumerable.Range(0, 5000).Select(i => $"line {i} of many\n")), followed.ToString());
        Assert.InRange(Directory.GetFiles(folder.Path).Sum(f => new FileInfo(f).Length), 32 * 1024, 64 * 1024);
        string kept = Text(log);
        Assert.StartsWith("1:line ", kept, StringComparison.Ordinal);
        Assert.EndsWith("1:line 4999 of many\n", kept, StringComparison.Ordinal);
        Assert.Equal(kept, Text(new LogStore(folder.Path, 64 * 1024).Of(s_web)));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(6, "three\n")]
    [InlineData(7, "three\n")]
    [InlineData(9, "three\n")]
    [InlineData(10, "two\nthree\n")]
    [InlineData(1000, "one\ntwo\nthree\n")]
    public void A_tail_begins_at_a_lines_start(long bytes, string expected)
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path);
        logs.Append(s_web, 0, 1, "one\ntw"u8);
        logs.Append(s_web, 6, 1, "o\nthree\n"u8);
        Assert.Equal(expected, string.Concat(logs.Of(s_web).Tail(bytes).Chunks.Select(c => Encoding.ASCII.GetString(c.Bytes.Span))));
    }

    [Fact]
    public void A_torn_tail_is_cut_off_and_the_rest_stays()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path);
        logs.Append(s_web, 0, 1, "whole\n"u8);
        logs.Append(s_web, 6, 1, "torn away\n"u8);
        string file = Assert.Single(Directory.GetFiles(folder.Path));
        byte[] bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(file, bytes[..^3]);
        LogStore again = new(folder.Path);
        Assert.Equal(6, again.WantedFrom(s_web));
        again.Append(s_web, 6, 1, "written again\n"u8);
        Assert.Equal("1:whole\n1:written again\n", Text(again.Of(s_web)));
    }

    [Fact]
    public void Removed_logs_leave_no_file()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path);
        logs.Append(s_web, 0, 1, "x"u8);
        logs.Remove(s_web);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Ten_thousand_damaged_files_yield_whole_records_or_nothing()
    {
        Random random = new(1);
        byte[] file = [.. LogRecord.Encode(LogRecord.Begin, 0, []), .. LogRecord.Encode(LogRecord.Stdout, 0, "hello\n"u8), .. LogRecord.Encode(LogRecord.Stderr, 6, new byte[300])];
        for (int i = 0; i < 10_000; i++)
        {
            byte[] damaged = file[..random.Next(file.Length + 1)];
            for (int flips = random.Next(4); flips > 0 && damaged.Length > 0; flips--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            int at = 0, records = 0;
            while (LogRecord.TryRead(damaged, at, out LogRecord record))
            {
                Assert.InRange(record.Start + record.Length, at + LogRecord.HeaderBytes, damaged.Length);
                at = record.Start + record.Length;
                records++;
            }
            Assert.InRange(records, 0, 3);
        }
    }

    private static string Text(MachineLog log)
    {
        long position = 0;
        StringBuilder text = new();
        foreach (LogChunk chunk in log.Read(ref position, int.MaxValue))
            text.Append(chunk.Stream).Append(':').Append(Encoding.ASCII.GetString(chunk.Bytes.Span));
        return text.ToString();
    }
}
