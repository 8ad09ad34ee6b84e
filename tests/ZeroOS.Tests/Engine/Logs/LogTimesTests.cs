using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Logs;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Logs;

/// <summary>When output came, in what the version before reads as well.</summary>
public sealed class LogTimesTests : IDisposable
{
    private static readonly WorkloadId s_web = new("t", "shop", "web");

    private readonly TestFolder _folder = new();
    private readonly ManualTime _time = new();
    private LogStore _logs;
    private long _offset;

    public LogTimesTests() => _logs = Open();

    private long Now => _time.Now.ToUnixTimeMilliseconds();

    private string File => Assert.Single(Directory.GetFiles(_folder.Path, "*.log", SearchOption.AllDirectories));

    [Fact]
    public void Each_record_has_its_time_over_hours_steps_of_the_clock_and_restarts_of_the_node()
    {
        List<(string, long?)> said = [];
        double[] seconds = [0.002, 0.001, 0.25, 3600, 8388.607, 8388.608, 3 * 3600, -1, -86_400, 40 * 86_400d, 0.007];
        foreach (double pause in seconds.Concat(seconds))
        {
            _time.Advance(TimeSpan.FromSeconds(pause));
            said.Add(Say($"at {_time.Now:O}\n"));
            if (said.Count == seconds.Length)
                Restart();
        }
        Assert.Equal(said, Times());
        Restart();
        Assert.Equal(said, Times());
    }

    [Fact]
    public void Times_survive_rotation_and_a_tail_knows_them()
    {
        _logs = Open(limitBytes: 64 * 1024);
        List<(string, long?)> said = [];
        for (int i = 0; i < 4000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(700));
            said.Add(Say($"line {i} at {_time.Now:O}\n"));
        }
        List<(string, long?)> kept = Times();
        Assert.InRange(kept.Count, 400, 1500);
        Assert.Equal(said.TakeLast(kept.Count), kept);
        MachineLog log = _logs.Of(s_web);
        Assert.Equal(said.TakeLast(100), Times(new LogReader(log) { WithTimes = true }.TailLines(100)));
        Assert.Equal(said.TakeLast(300), Times(new LogReader(log) { WithTimes = true }.Tail(said.TakeLast(300).Sum(s => s.Item1.Length))));
    }

    [Fact]
    public void The_version_before_reads_output_and_place_and_what_it_adds_has_no_time()
    {
        _logs.Begin(s_web);
        Say("one\n");
        _time.Advance(TimeSpan.FromHours(5));       // another base
        Say("two\n");
        Assert.Equal(("one\ntwo\n", 8), FormerLog.Read(System.IO.File.ReadAllBytes(File)));

        System.IO.File.AppendAllBytes(File, FormerLog.Record(2, 8, "former\n"));
        Restart();
        Assert.Equal(15, _logs.WantedFrom(s_web));
        _offset = 15;
        (string, long?) last = Say("three\n");
        List<(string, long?)> times = Times();
        Assert.Equal(["one\n", "two\n", "former\n", "three\n"], times.Select(t => t.Item1));
        Assert.Equal([Now - (5 * 3_600_000), Now, null, Now], times.Select(t => t.Item2));
        Assert.Equal(last, times[^1]);
        Assert.Equal(("one\ntwo\nformer\nthree\n", 21), FormerLog.Read(System.IO.File.ReadAllBytes(File)));
    }

    [Fact]
    public void Output_of_the_version_before_has_no_time_and_counts_as_older()
    {
        Say("x");
        System.IO.File.WriteAllBytes(File, [.. FormerLog.Record(3, 0, ""), .. FormerLog.Record(1, 0, "old\n"), .. FormerLog.Record(2, 4, "older\n")]);
        Restart();
        _offset = 10;
        Say("new\n");
        Assert.Equal(["old\n", "older\n", "new\n"], Times().Select(t => t.Item1));
        MachineLog log = _logs.Of(s_web);
        Assert.Equal("new\n", LogText.Plain(new LogReader(log) { Since = 0 }));
        Assert.Equal("old\nolder\n", LogText.Plain(new LogReader(log) { Until = Now - 1 }));
    }

    [Fact]
    public void A_base_that_a_power_cut_tore_makes_no_time()
    {
        Say("one\n");
        byte[] half = LogRecord.Encode(LogRecord.Stdout, 4, [], 0x1234);
        System.IO.File.AppendAllBytes(File, half);
        Restart();
        System.IO.File.AppendAllBytes(File, LogRecord.Encode(LogRecord.Stdout, 4, "two\n"u8, 1 << 23));
        Restart();
        _offset = 8;
        (string, long?) last = Say("three\n");
        Assert.Equal([("one\n", Now), ("two\n", null), last], Times());
    }

    [Fact]
    public void Since_and_until_are_the_records_of_that_time_and_the_end_is_known()
    {
        _logs = Open(limitBytes: 64 * 1024);
        List<(string Text, long? Time)> said = [];
        Random random = new(11);
        for (int i = 0; i < 1500; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(random.Next(1, 60_000)));
            said.Add(Say($"line {i}\n"));
        }
        MachineLog log = _logs.Of(s_web);
        said = [.. said.TakeLast(Times().Count)];
        for (int i = 0; i < 200; i++)
        {
            long since = said[random.Next(said.Count)].Time!.Value + random.Next(-1, 2), until = since + random.Next(10_000_000);
            LogReader reader = new(log) { Since = since, Until = until };
            Assert.Equal(string.Concat(said.Where(s => s.Time >= since && s.Time <= until).Select(s => s.Text)), LogText.Plain(reader));
            Assert.Equal(said.Any(s => s.Time > until), reader.IsOver);
        }
        LogReader later = new(log) { Since = Now + 1, WithTimes = true };
        Assert.False(later.TryRead(out _));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([Say("now\n")], Times(later));
    }

    public void Dispose()
    {
        _logs.Dispose();
        _folder.Dispose();
    }

    private LogStore Open(long limitBytes = 8 << 20) => new(_folder.Path, TestNames.Names, limitBytes: limitBytes, time: _time, sync: (_, _) => { });

    private void Restart() => _logs = Open();

    private (string, long?) Say(string text)
    {
        _logs.Append(s_web, _offset, OutputStream.StandardOutput, Encoding.ASCII.GetBytes(text));
        _offset += text.Length;
        return (text, Now);
    }

    private List<(string, long?)> Times(LogReader? reader = null) =>
        [.. LogText.Runs(reader ?? new LogReader(_logs.Of(s_web)) { WithTimes = true }).Select(r => (r.Text, r.Time))];
}
