using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Logs;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Logs;

/// <summary>The last lines, without a look at what lies before them.</summary>
public sealed class LogTailTests : IDisposable
{
    private static readonly WorkloadId s_web = new("t", "shop", "web");

    private readonly TestFolder _folder = new();
    private LogStore _logs;
    private long _offset;

    public LogTailTests() => _logs = Open();

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "four")]
    [InlineData(2, "three\nfour")]
    [InlineData(3, "two\nthree\nfour")]
    [InlineData(4, "one\ntwo\nthree\nfour")]
    [InlineData(long.MaxValue, "one\ntwo\nthree\nfour")]
    public void Lines_are_counted_from_the_end_and_one_without_an_end_is_one(long lines, string expected)
    {
        Say("one\ntw", OutputStream.StandardOutput);
        Say("o\n", OutputStream.StandardOutput);
        Say("three\nfour", OutputStream.StandardOutput);
        Assert.Equal(expected, Tail(lines));
        _logs = Open();                 // the counts are of the files
        Assert.Equal(expected, Tail(lines));
        _logs.Begin(s_web);             // a run that has said nothing yet changes nothing
        _offset = 0;
        Assert.Equal(expected, Tail(lines));
        Say("\n", OutputStream.StandardOutput);
        Assert.Equal(lines == 0 ? "" : expected + "\n", Tail(lines));
    }

    [Fact]
    public void Lines_of_both_streams_count_together_over_many_segments()
    {
        Random random = new(7);
        for (int i = 0; i < 3000; i++)
        {
            string line = i % 97 == 0 ? "\n" : $"{i} {new string('x', random.Next(150))}\n";
            int cut = random.Next(line.Length + 1);     // lines come in parts, and parts of several lines at once
            OutputStream stream = random.Next(3) == 0 ? OutputStream.StandardError : OutputStream.StandardOutput;
            Say(line[..cut], stream);
            Say(line[cut..], stream);
        }
        string kept = LogText.Plain(new LogReader(_logs.Of(s_web)));
        string[] lines = kept.Split('\n')[..^1];
        Assert.InRange(lines.Length, 300, 2000);
        for (int n = 0; n <= lines.Length + 1; n += random.Next(1, 9))
            Assert.Equal(string.Concat(lines.TakeLast(n).Select(l => l + "\n")), Tail(n));
        Assert.Equal(kept, Tail(lines.Length));
    }

    [Fact]
    public void A_tail_of_nothing_is_followed_from_the_end()
    {
        Say("one\n", OutputStream.StandardOutput);
        LogReader reader = new LogReader(_logs.Of(s_web)).TailLines(0);
        Assert.Equal("", LogText.Plain(reader));
        Say("two\n", OutputStream.StandardOutput);
        Assert.Equal("two\n", LogText.Plain(reader));
        Assert.Equal("", LogText.Plain(new LogReader(_logs.Of(new WorkloadId("t", "shop", "other"))).TailLines(3)));
    }

    [Fact]
    public void A_tail_of_a_full_log_reads_one_segment_and_holds_two_buffers()
    {
        _logs = new LogStore(_folder.Path, TestNames.Names, sync: (_, _) => { });
        byte[] block = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('a', 99) + "\n", 600)));
        for (; _offset < 9L << 20; _offset += block.Length)
            _logs.Append(s_web, _offset, OutputStream.StandardOutput, block);
        MachineLog log = _logs.Of(s_web);
        long before = GC.GetAllocatedBytesForCurrentThread();
        LogReader reader = new LogReader(log).TailLines(50_000);
        Assert.True(reader.TryRead(out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
        Assert.Equal(50_000 * 100, LogText.Plain(new LogReader(log).TailLines(50_000)).Length);
    }

    public void Dispose()
    {
        _logs.Dispose();
        _folder.Dispose();
    }

    private LogStore Open() => new(_folder.Path, TestNames.Names, limitBytes: 64 * 1024, sync: (_, _) => { });

    private string Tail(long lines) => LogText.Plain(new LogReader(_logs.Of(s_web)).TailLines(lines));

    private void Say(string text, OutputStream stream)
    {
        _logs.Append(s_web, _offset, stream, Encoding.ASCII.GetBytes(text));
        _offset += text.Length;
    }
}
