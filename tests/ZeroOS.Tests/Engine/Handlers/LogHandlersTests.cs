using System.Text;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Engine.Handlers;

/// <summary>What zos.machine.logs sends, piece by piece: a piece is an envelope.</summary>
public sealed class LogHandlersTests : IDisposable
{
    private static readonly MachineLogs s_all = new() { Deployment = "shop", Machine = "web" };

    private readonly EngineBench _bench = EngineBench.Deployed();
    private long _offset;

    [Fact]
    public async Task What_is_kept_comes_in_full_pieces_with_times_where_they_are_asked_for()
    {
        DateTimeOffset start = _bench.Time.Now;
        for (int i = 0; i < 10_000; i++)
        {
            Say($"line {i}\n", i % 2 == 0 ? OutputStream.StandardOutput : OutputStream.StandardError);
            _bench.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
        List<LogPiece> pieces = await ReadAsync(s_all with { Times = true });
        Assert.InRange(pieces.Count, 1, (int)((_offset + LogPiece.MaxBytes - 1) / LogPiece.MaxBytes) + 1);
        Assert.Equal(start, pieces[0].Time);
        Assert.Equal([new LogRun(OutputStream.StandardOutput, 7, 0), new LogRun(OutputStream.StandardError, 7, 1)], pieces[0].Runs.Take(2));
        Assert.All(await ReadAsync(s_all), p => Assert.Null(p.Time));
    }

    [Fact]
    public async Task Lines_that_come_while_a_piece_is_sent_travel_together()
    {
        using CancellationTokenSource leaves = new();
        await using IAsyncEnumerator<LogPiece> stream = Open(s_all with { Follow = true }, leaves.Token);
        Say("first\n");
        Assert.True(await stream.MoveNextAsync());
        for (int i = 0; i < 5; i++)
        {
            Say("one\n");
            Task<bool> next = stream.MoveNextAsync().AsTask();
            Assert.False(next.IsCompleted);     // it is there, and more may come at once
            Say("two\n");
            Assert.True(await next);
            Assert.Equal("one\ntwo\n", Text(stream.Current));
        }
        Task<bool> last = stream.MoveNextAsync().AsTask();
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => last);
    }

    [Fact]
    public async Task A_stream_that_is_not_followed_ends_where_the_log_ended_when_it_was_asked_for()
    {
        Say(new string('x', 100_000));
        await using IAsyncEnumerator<LogPiece> stream = Open(s_all);
        int bytes = 0;
        while (await stream.MoveNextAsync())
        {
            bytes += Text(stream.Current).Length;
            Say(new string('y', 100_000));      // faster than it is read
        }
        Assert.InRange(bytes, 100_000, 200_000);
    }

    [Fact]
    public async Task Tails_and_times_choose_and_one_that_is_followed_ends_at_its_time()
    {
        Say("one\n");
        DateTimeOffset first = _bench.Time.Now;
        _bench.Time.Advance(TimeSpan.FromSeconds(10));
        Say("two\n");
        Assert.Equal("two\n", await TextAsync(s_all with { TailLines = 1 }));
        Assert.Equal("two\n", await TextAsync(s_all with { TailBytes = 5 }));
        Assert.Equal("two\n", await TextAsync(s_all with { Since = first.AddSeconds(1) }));
        Assert.Equal("one\n", await TextAsync(s_all with { Until = first.AddSeconds(1) }));
        Assert.Equal("", await TextAsync(s_all with { Until = first.AddSeconds(1), TailLines = 1 }));
        Assert.Equal("one\n", await TextAsync(s_all with { Until = first.AddSeconds(1), Follow = true }));

        await using IAsyncEnumerator<LogPiece> stream = Open(s_all with { Until = _bench.Time.Now.AddMilliseconds(50), Follow = true });
        Assert.True(await stream.MoveNextAsync());
        Assert.Equal("one\ntwo\n", Text(stream.Current));
        Task<bool> next = stream.MoveNextAsync().AsTask();
        _bench.Time.Advance(TimeSpan.FromMilliseconds(51));
        Assert.False(await next);       // nothing more came, and the time is over
    }

    [Theory]
    [InlineData(1L, 1L, "tailLines")]
    [InlineData(-1L, null, "tailLines")]
    [InlineData(null, -1L, "tailBytes")]
    public async Task A_tail_that_is_none_is_refused(long? lines, long? bytes, string path)
    {
        BusErrorException refused = await Assert.ThrowsAsync<BusErrorException>(() => ReadAsync(s_all with { TailLines = lines, TailBytes = bytes }));
        Assert.Equal((ErrorCodes.Invalid, path), (refused.Error.Code, refused.Error.Path));
    }

    public void Dispose() => _bench.Dispose();

    private void Say(string text, OutputStream stream = OutputStream.StandardOutput)
    {
        _bench.Engine.Output(_bench.Id("web"), _offset, stream, Encoding.ASCII.GetBytes(text));
        _offset += text.Length;
    }

    private static string Text(LogPiece piece) => Encoding.ASCII.GetString(Convert.FromBase64String(piece.Data));

    private IAsyncEnumerator<LogPiece> Open(MachineLogs request, CancellationToken cancellation = default) =>
        _bench.Handlers.Logs.Read(Asked.By(EngineBench.Alice), request, cancellation).GetAsyncEnumerator(cancellation);

    private async Task<List<LogPiece>> ReadAsync(MachineLogs request)
    {
        List<LogPiece> pieces = [];
        await foreach (LogPiece piece in _bench.Handlers.Logs.Read(Asked.By(EngineBench.Alice), request, default))
            pieces.Add(piece);
        return pieces;
    }

    private async Task<string> TextAsync(MachineLogs request) => string.Concat((await ReadAsync(request)).Select(Text));
}
