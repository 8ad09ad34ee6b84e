using System.Globalization;
using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Json;
using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Tests.Cli.Verbs;

[Collection("zos")]
public sealed class LogsVerbTests : IAsyncLifetime
{
    private static readonly DateTimeOffset s_time = new(2026, 11, 30, 5, 45, 54, 123, TimeSpan.Zero);

    private ZosBench _zos = null!;

    public async Task InitializeAsync() => _zos = await ZosBench.DeployedAsync();

    public async Task DisposeAsync() => await _zos.DisposeAsync();

    [Fact]
    public async Task Each_line_has_the_time_of_its_first_byte_and_each_stream_its_own_lines()
    {
        _zos.Logs = _ =>
        [
            Piece(s_time, (1, "one\ntw", 0), (2, "error\n", 1), (1, "o\n\nthree", 250)),
            Piece(s_time.AddSeconds(1), (1, "\nfour\n", -500), (2, "no time\n", null)),
        ];
        ZosRun run = (await _zos.Run("logs", "-t", "web")).Ended(0);
        Assert.Equal("2026-11-30T05:45:54.123000000Z one\n2026-11-30T05:45:54.123000000Z two\n2026-11-30T05:45:54.373000000Z \n"
            + "2026-11-30T05:45:54.373000000Z three\n2026-11-30T05:45:54.623000000Z four\n", run.Out);
        Assert.Equal("2026-11-30T05:45:54.124000000Z error\nno time\n", run.Error);
        Assert.True(_zos.LogsAsked.Single().Times);
        Assert.Equal("one\ntwo\n\nthree\nfour\n", (await _zos.Run("logs", "web")).Ended(0).Out);
        Assert.False(_zos.LogsAsked[^1].Times);
    }

    [Fact]
    public async Task What_is_typed_is_what_is_asked_for()
    {
        await _zos.Ok("logs", "web");
        await _zos.Ok("logs", "-f", "-n", "10", "web/nginx");
        await _zos.Ok("logs", "--tail", "64KiB", "web");
        await _zos.Ok("logs", "--tail", "all", "--since", "2026-11-30T05:45:54Z", "--until", "1796017555.5", "web");
        MachineLogs all = new() { Deployment = "web", Machine = "nginx" };
        Assert.Equal([all, all with { Follow = true, TailLines = 10 }, all with { TailBytes = 65536 },
            all with { Since = new(2026, 11, 30, 5, 45, 54, TimeSpan.Zero), Until = DateTimeOffset.FromUnixTimeMilliseconds(1796017555500) }], _zos.LogsAsked);
        Assert.Contains("is no time", await _zos.Fails(2, "logs", "--since", "yesterday", "web"), StringComparison.Ordinal);
        Assert.Contains("is no number of lines", await _zos.Fails(2, "logs", "-n", "99999999999", "web"), StringComparison.Ordinal);
        Assert.Contains("is not a size", await _zos.Fails(2, "logs", "--tail=-1", "web"), StringComparison.Ordinal);
        Assert.Equal(4, _zos.LogsAsked.Count);
    }

    [Fact]
    public async Task Json_is_a_piece_a_line()
    {
        _zos.Logs = _ => [Piece(s_time, (1, "one\n", 0), (2, "two\n", 5))];
        Assert.Equal("""{"data":"b25lCnR3bwo=","runs":[["stdout",4,0],["stderr",4,5]],"time":"2026-11-30T05:45:54.123Z","position":7}""" + "\n",
            await _zos.Ok("logs", "--json", "-t", "web"));
    }

    [Theory]
    [InlineData("b25lCg==", 3, "runs are not those")]
    [InlineData("b25lCg==", 5, "runs are not those")]
    [InlineData("b25lCg", 4, "not base64")]
    public async Task A_piece_that_contradicts_itself_is_refused(string data, int bytes, string why)
    {
        _zos.Logs = _ => [new LogPiece { Data = data, Runs = [new LogRun(OutputStream.StandardOutput, bytes, null)], Position = 0 }];
        Assert.Contains(why, await _zos.Fails(1, "logs", "web"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""["stdout",12]""", true)]
    [InlineData("""["stderr",65536,-5]""", true)]
    [InlineData("""["stdout",0]""", false)]
    [InlineData("""["stdout",65537]""", false)]
    [InlineData("""["stdin",1]""", false)]
    [InlineData("""["stdout"]""", false)]
    [InlineData("""["stdout",1,2,3]""", false)]
    [InlineData("""["stdout",1,"2"]""", false)]
    [InlineData("""[1,1]""", false)]
    [InlineData("""[]""", false)]
    [InlineData("""{"stdout":1}""", false)]
    [InlineData("""[["stdout",1]]""", false)]
    [InlineData("""null""", false)]
    public void A_run_is_a_stream_a_number_of_bytes_and_perhaps_a_time(string json, bool isOne)
    {
        byte[] piece = Encoding.UTF8.GetBytes($$"""{"data":"","runs":[{{json}}],"position":0}""");
        Assert.Equal(isOne, StrictJson.TryRead(piece, BusJson.Default.LogPiece, out LogPiece? read, out _));
        if (isOne)
            Assert.Equal(json, Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(read, BusJson.Default.LogPiece))[19..^15]);
    }

    [Theory]
    [InlineData("2026-11-30T05:45:54Z", "2026-11-30T05:45:54.0000000")]
    [InlineData("2026-11-30T05:45:54.123456789Z", "2026-11-30T05:45:54.1234567")]
    [InlineData("2026-11-30T05:45:54.5+02:00", "2026-11-30T03:45:54.5000000")]
    [InlineData("2026-11-30T05:45-01:30", "2026-11-30T07:15:00.0000000")]
    [InlineData("2026-11-30T05:45:54", "2026-11-30T02:45:54.0000000")]     // the clock's zone is three hours ahead
    [InlineData("2026-11-30", "2026-11-29T21:00:00.0000000")]
    [InlineData("0", "1970-01-01T00:00:00.0000000")]
    [InlineData("1796017554.123456789", "2026-11-30T05:45:54.1234567")]
    [InlineData("10m", "2026-11-30T11:50:00.0000000")]
    [InlineData("1h30m10s", "2026-11-30T10:29:50.0000000")]
    [InlineData("1.5h", "2026-11-30T10:30:00.0000000")]
    [InlineData("250ms", "2026-11-30T11:59:59.7500000")]
    [InlineData("0s", "2026-11-30T12:00:00.0000000")]
    public void A_time_is_typed_as_for_docker(string text, string expected) =>
        Assert.Equal(expected, TimeArgument.Parse(text, new Zone()).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("")]
    [InlineData("-5")]
    [InlineData("-10m")]
    [InlineData("10 m")]
    [InlineData("10d")]
    [InlineData("999999999h")]
    [InlineData("999999999999")]
    [InlineData("0001-01-01")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData("2026-13-01")]
    [InlineData("2026-11-30T05:45:54Z\n")]
    [InlineData("٣m")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.Equal(CliException.Usage, Assert.Throws<CliException>(() => TimeArgument.Parse(text, new Zone())).ExitCode);

    private static LogPiece Piece(DateTimeOffset time, params (int Stream, string Text, long? After)[] parts) => new()
    {
        Data = Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Concat(parts.Select(p => p.Text)))),
        Runs = [.. parts.Select(p => new LogRun((OutputStream)p.Stream, p.Text.Length, p.After))],
        Time = time,
        Position = 7,
    };

    private sealed class Zone : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(3), null, null);

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);
    }
}
