using System.Text;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Logs;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine.Logs;

/// <summary>Pieces are full: each costs a sealed and signed envelope, and seen were 1,300 short lines in 8 s.</summary>
public sealed class LogPieceTests : IDisposable
{
    private static readonly WorkloadId s_web = new("t", "shop", "web");

    private readonly TestFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly LogStore _logs;
    private readonly StringBuilder _all = new();

    public LogPieceTests() => _logs = new LogStore(_folder.Path, TestNames.Names, time: _time, sync: (_, _) => { });

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Ten_thousand_short_lines_travel_in_full_pieces(bool alternating, bool times)
    {
        for (int i = 0; i < 10_000; i++)
        {
            Say($"line {i} of a program\n", alternating && i % 2 == 1 ? OutputStream.StandardError : OutputStream.StandardOutput);
            _time.Advance(TimeSpan.FromMilliseconds(times ? 3 : 0));
        }
        List<LogPiece> pieces = Pieces(new LogReader(_logs.Of(s_web)) { WithTimes = times });
        Assert.Equal(_all.ToString(), string.Concat(pieces.Select(p => Encoding.ASCII.GetString(Convert.FromBase64String(p.Data)))));
        Assert.InRange(pieces.Count, 1, ((_all.Length + LogPiece.MaxBytes - 1) / LogPiece.MaxBytes) + 1);
        Assert.All(pieces, p => Assert.Equal(Convert.FromBase64String(p.Data).Length, p.Runs.Sum(r => r.Bytes)));
        int runs = alternating ? 10_000 : 1;
        Assert.InRange(pieces.Sum(p => p.Runs.Count), runs, runs + pieces.Count - 1);      // a line may be in two pieces
        Assert.All(pieces, p => Assert.Equal(times, p.Time is not null));
    }

    [Fact]
    public void Blocks_of_which_one_and_a_half_fit_are_split_and_a_reader_goes_on_inside_them()
    {
        Random random = new(3);
        for (int i = 0; i < 60; i++)
            Say(string.Concat(Enumerable.Range(0, random.Next(2000, 6000)).Select(_ => (char)random.Next('a', 'z'))).PadRight(40_000, '.'),
                i % 3 == 0 ? OutputStream.StandardError : OutputStream.StandardOutput);
        string all = _all.ToString();
        List<LogPiece> pieces = Pieces(new LogReader(_logs.Of(s_web)));
        Assert.InRange(pieces.Count, 1, ((all.Length + LogPiece.MaxBytes - 1) / LogPiece.MaxBytes) + 1);
        int read = 0;
        foreach (LogPiece piece in pieces)
        {
            read += Convert.FromBase64String(piece.Data).Length;
            Assert.Equal(all[read..], LogText.Plain(new LogReader(_logs.Of(s_web)).After(piece.Position)));
        }
        Assert.Equal(all.Length, read);
    }

    [Fact]
    public void Single_bytes_of_alternating_streams_are_bounded_by_their_number()
    {
        for (int i = 0; i < 10_000; i++)
            Say("x", i % 2 == 0 ? OutputStream.StandardOutput : OutputStream.StandardError);
        List<LogPiece> pieces = Pieces(new LogReader(_logs.Of(s_web)));
        Assert.Equal([LogPiece.MaxRuns, LogPiece.MaxRuns, 10_000 - (2 * LogPiece.MaxRuns)], pieces.Select(p => p.Runs.Count));
        // What a piece can be at most, sealed and in an envelope: docs/limits.md.
        string largest = System.Text.Json.JsonSerializer.Serialize(new LogPiece
        {
            Data = Convert.ToBase64String(new byte[LogPiece.MaxBytes]),
            Runs = [.. Enumerable.Repeat(new LogRun(OutputStream.StandardError, LogPiece.MaxBytes / LogPiece.MaxRuns, 86_399_999), LogPiece.MaxRuns)],
            Time = DateTimeOffset.UnixEpoch,
            Position = long.MaxValue,
        }, BusJson.Default.LogPiece);
        Assert.InRange(largest.Length, 150_000, 200_000);
    }

    public void Dispose()
    {
        _logs.Dispose();
        _folder.Dispose();
    }

    private void Say(string text, OutputStream stream)
    {
        _logs.Append(s_web, _all.Length, stream, Encoding.ASCII.GetBytes(text));
        _all.Append(text);
    }

    private static List<LogPiece> Pieces(LogReader reader)
    {
        List<LogPiece> pieces = [];
        while (reader.TryRead(out LogChunk chunk))
        {
            pieces.Add(new LogPiece
            {
                Data = Convert.ToBase64String(chunk.Bytes.Span),
                Runs = chunk.Runs,
                Time = chunk.Time is { } time ? DateTimeOffset.FromUnixTimeMilliseconds(time) : null,
                Position = chunk.Position,
            });
        }
        return pieces;
    }
}
