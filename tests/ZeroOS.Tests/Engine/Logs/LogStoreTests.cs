using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Logs;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

using static ZeroOS.Tests.Engine.Logs.LogText;

namespace ZeroOS.Tests.Engine.Logs;

public sealed class LogStoreTests
{
    private static readonly WorkloadId s_web = new("t", "shop", "web");

    [Fact]
    public void Output_is_kept_by_stream_and_in_order_over_a_restart_of_the_node()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names);
        logs.Begin(s_web);
        logs.Append(s_web, 0, OutputStream.StandardOutput, "one\n"u8);
        logs.Append(s_web, 4, OutputStream.StandardError, "two\n"u8);
        Assert.Equal(8, logs.WantedFrom(s_web));

        LogStore again = new(folder.Path, TestNames.Names);
        Assert.Equal(8, again.WantedFrom(s_web));
        again.Append(s_web, 4, OutputStream.StandardError, "two\nthree\n"u8);        // sent again from before what is stored
        again.Append(s_web, 100, OutputStream.StandardOutput, "later\n"u8);           // the guest dropped some
        Assert.Equal("1:one\n2:two\n2:three\n1:later\n", Text(again.Of(s_web)));
        Assert.Equal(106, again.WantedFrom(s_web));
        again.Begin(s_web);
        Assert.Equal(0, new LogStore(folder.Path, TestNames.Names).WantedFrom(s_web));
    }

    [Fact]
    public void What_is_kept_is_bounded_and_readers_keep_their_place()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names, limitBytes: 64 * 1024);
        MachineLog log = logs.Of(s_web);
        long offset = 0;
        LogReader reader = new(log);
        StringBuilder followed = new();
        for (int i = 0; i < 5000; i++)
        {
            byte[] line = Encoding.ASCII.GetBytes($"line {i} of many\n");
            logs.Append(s_web, offset, OutputStream.StandardOutput, line);
            offset += line.Length;
            while (reader.TryRead(out LogChunk chunk))
                followed.Append(Encoding.ASCII.GetString(chunk.Bytes.Span));
        }
        Assert.Equal(string.Concat(Enumerable.Range(0, 5000).Select(i => $"line {i} of many\n")), followed.ToString());
        Assert.InRange(Directory.GetFiles(folder.Path, "*.log", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length), 32 * 1024, 64 * 1024);
        string kept = Text(log);
        Assert.StartsWith("1:line ", kept, StringComparison.Ordinal);
        Assert.EndsWith("1:line 4999 of many\n", kept, StringComparison.Ordinal);
        Assert.Equal(kept, Text(new LogStore(folder.Path, TestNames.Names, limitBytes: 64 * 1024).Of(s_web)));
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
        LogStore logs = new(folder.Path, TestNames.Names);
        logs.Append(s_web, 0, OutputStream.StandardOutput, "one\ntw"u8);
        logs.Append(s_web, 6, OutputStream.StandardOutput, "o\nthree\n"u8);
        Assert.Equal(expected, Plain(new LogReader(logs.Of(s_web)).Tail(bytes)));
    }

    [Fact]
    public void A_torn_tail_is_cut_off_and_the_rest_stays()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names);
        logs.Append(s_web, 0, OutputStream.StandardOutput, "whole\n"u8);
        logs.Append(s_web, 6, OutputStream.StandardOutput, "torn away\n"u8);
        string file = Assert.Single(Directory.GetFiles(folder.Path, "*.log", SearchOption.AllDirectories));
        byte[] bytes = File.ReadAllBytes(file);
        File.WriteAllBytes(file, bytes[..^3]);
        LogStore again = new(folder.Path, TestNames.Names);
        Assert.Equal(6, again.WantedFrom(s_web));
        again.Append(s_web, 6, OutputStream.StandardOutput, "written again\n"u8);
        Assert.Equal("1:whole\n1:written again\n", Text(again.Of(s_web)));
    }

    [Fact]
    public void Removed_logs_leave_no_file()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names);
        logs.Append(s_web, 0, OutputStream.StandardOutput, "x"u8);
        logs.Remove(s_web);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    /// <summary>Finding 12: files were found by a short name, and whose they are stood nowhere.</summary>
    [Fact]
    public void Output_that_says_that_it_is_anothers_is_never_read()
    {
        using TestFolder folder = new();
        WorkloadId other = new("t2", "shop", "web");
        new LogStore(folder.Path, TestNames.Names).Append(other, 0, OutputStream.StandardOutput, "secret\n"u8);
        Directory.Move(Path.Combine(folder.Path, TestNames.Names.Of(other)), Path.Combine(folder.Path, TestNames.Names.Of(s_web)));
        LogStore logs = new(folder.Path, TestNames.Names);
        Assert.Equal("", Text(logs.Of(s_web)));
        logs.Append(s_web, 0, OutputStream.StandardOutput, "own\n"u8);
        Assert.Equal("1:own\n", Text(logs.Of(s_web)));
    }

    [Fact]
    public void What_an_earlier_version_wrote_is_moved_once_and_what_is_nobodys_goes()
    {
        using TestFolder folder = new();
        WorkloadId gone = new("t", "shop", "gone");
        LogStore former = new(folder.Path, TestNames.Names, onTrial: true); // which writes as the version before did
        former.Append(s_web, 0, OutputStream.StandardOutput, "one\n"u8);
        former.Append(gone, 0, OutputStream.StandardOutput, "two\n"u8);
        Assert.True(former.TakeOver([s_web]));
        Assert.Equal(2, Directory.GetFiles(folder.Path, "*.log").Length);

        LogStore logs = new(folder.Path, TestNames.Names);
        Assert.True(logs.TakeOver([s_web]));
        Assert.Empty(Directory.GetFiles(folder.Path));
        logs.Append(s_web, 4, OutputStream.StandardOutput, "three\n"u8);
        Assert.True(new LogStore(folder.Path, TestNames.Names).TakeOver([s_web]));
        Assert.Equal("1:one\n1:three\n", Text(new LogStore(folder.Path, TestNames.Names).Of(s_web)));
        Assert.Equal(TestNames.Names.Of(s_web), Path.GetFileName(Assert.Single(Directory.GetDirectories(folder.Path))));
    }

    [Fact]
    public void A_power_cut_while_output_is_moved_loses_none()
    {
        using TestFolder folder = new();
        LogStore former = new(folder.Path, TestNames.Names, onTrial: true, limitBytes: 64 * 1024);
        for (int i = 0; i < 40; i++)
            former.Append(s_web, i * 1000, OutputStream.StandardOutput, Encoding.ASCII.GetBytes(new string((char)('a' + (i % 26)), 999) + "\n"));
        string whole = Text(former.Of(s_web));
        string[] files = Directory.GetFiles(folder.Path, "*.log");
        Assert.InRange(files.Length, 3, 20);
        string half = Directory.CreateDirectory(Path.Combine(folder.Path, "new-" + TestNames.Names.Of(s_web))).FullName;
        foreach (string file in files.Skip(1))
            File.Move(file, Path.Combine(half, Path.GetFileName(file)[(s_web.FormerName.Length + 1)..]));
        LogStore logs = new(folder.Path, TestNames.Names, limitBytes: 64 * 1024);
        Assert.True(logs.TakeOver([s_web]));
        Assert.Equal(whole, Text(logs.Of(s_web)));
    }

    [Fact]
    public void Ten_thousand_damaged_files_yield_whole_records_or_nothing()
    {
        Random random = new(1);
        byte[] file = [.. LogRecord.Encode(LogRecord.Begin, 0, []), .. LogRecord.Encode(LogRecord.Stdout, 0, "hello\n"u8),
            .. LogRecord.Encode(LogRecord.Stderr, 6, new byte[300])];
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

    [Fact]
    public void A_tail_over_many_segments_is_the_end_of_the_whole()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names, limitBytes: 64 * 1024);
        StringBuilder all = new();
        Random random = new(5);
        for (int i = 0; all.Length < 40_000; i++)
        {
            string line = $"{i} {new string('x', random.Next(200))}\n";
            logs.Append(s_web, all.Length, OutputStream.StandardOutput, Encoding.ASCII.GetBytes(line));
            all.Append(line);
        }
        string whole = all.ToString(), kept = Plain(new LogReader(logs.Of(s_web)));
        Assert.EndsWith(kept, whole, StringComparison.Ordinal);
        for (int bytes = 1; bytes < kept.Length; bytes += random.Next(1, 700))
        {
            string tail = Plain(new LogReader(logs.Of(s_web)).Tail(bytes)), expected = kept[^bytes..];
            Assert.EndsWith(tail, kept, StringComparison.Ordinal);
            Assert.InRange(tail.Length, 0, bytes);
            // Nothing but the line that is cut is missing; a cut exactly between two files may cost the line behind it.
            string missing = expected[..^tail.Length];
            Assert.True(missing.Count(c => c == '\n') <= 1, $"seed 5, tail of {bytes}: \"{missing}\" is missing");
        }
    }

    [Fact]
    public void A_reader_that_broke_off_goes_on_behind_any_piece_and_over_a_restart_of_the_node()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names, limitBytes: 512 * 1024);
        Random random = new(9);
        for (long offset = 0, i = 0; i < 400; i++)
        {
            byte[] line = Encoding.ASCII.GetBytes($"line {i} {new string('y', random.Next(400))}\n");
            logs.Append(s_web, offset, random.Next(10) == 0 ? OutputStream.StandardError : OutputStream.StandardOutput, line);
            offset += line.Length;
        }
        LogStore again = new(folder.Path, TestNames.Names, limitBytes: 512 * 1024);
        string whole = Plain(new LogReader(logs.Of(s_web)));
        LogReader reader = new(logs.Of(s_web));
        int read = 0;
        while (reader.TryRead(out LogChunk chunk))
        {
            read += chunk.Bytes.Length;
            Assert.Equal(whole[read..], Plain(new LogReader(again.Of(s_web)).After(chunk.Position)));
        }
        Assert.Equal(whole.Length, read);
        Assert.Equal(whole, Plain(new LogReader(again.Of(s_web)).After(long.MaxValue)));    // a position in the log of a machine that was there before
        Assert.Equal(whole, Plain(new LogReader(again.Of(s_web)).After(0)));
        for (int i = 0; i < 200; i++)
            Assert.EndsWith(Plain(new LogReader(again.Of(s_web)).After(random.Next(200_000))), whole, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slow_reader_of_a_full_log_holds_two_buffers_and_a_follower_reads_only_what_is_new()
    {
        using TestFolder folder = new();
        LogStore logs = new(folder.Path, TestNames.Names);
        byte[] block = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('a', 1023) + "\n", 60)));
        long offset = 0;
        for (; offset < 9L << 20; offset += block.Length)
            logs.Append(s_web, offset, OutputStream.StandardOutput, block);
        MachineLog log = logs.Of(s_web);
        long before = GC.GetAllocatedBytesForCurrentThread();
        LogReader tail = new LogReader(log).Tail(8L << 20);
        Assert.True(tail.TryRead(out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);

        LogReader follower = new LogReader(log).Tail(1);
        while (follower.TryRead(out _))
        {
        }
        before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            logs.Append(s_web, offset, OutputStream.StandardOutput, "one line\n"u8);
            offset += 9;
            Assert.True(follower.TryRead(out LogChunk chunk));
            Assert.Equal(9, chunk.Bytes.Length);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 4096);
    }

    [Fact]
    public void A_reader_is_woken_by_its_own_machine_only()
    {
        using EngineBench bench = new();
        bench.Grant(EngineBench.Alice);
        bench.Grant(EngineBench.Bob);
        bench.Apply(EngineBench.Shop());
        bench.Settle();
        LogStore logs = bench.Logs;
        Task own = logs.Of(bench.Id("web")).Changed.Next, events = bench.Store.EventsAdded.Of(EngineBench.Alice).Next;
        bench.Apply(EngineBench.Shop(1, "other", 30000), EngineBench.Bob);
        bench.Settle(EngineBench.Bob);
        bench.Engine.Output(bench.Id("web", "other", EngineBench.Bob), 0, OutputStream.StandardOutput, "theirs\n"u8);
        Assert.False(own.IsCompleted);
        Assert.False(events.IsCompleted);
        bench.World.End(bench.Id("web"), 1);
        bench.Settle();
        Assert.True(own.IsCompleted);
        Assert.True(events.IsCompleted);
    }
}
