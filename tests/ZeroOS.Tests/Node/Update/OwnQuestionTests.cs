using Xunit;

using ZeroOS.Node.Update;

namespace ZeroOS.Tests.Node.Update;

/// <summary>Finding 18b: strangers who delayed one answer of the node to itself began its trial anew.</summary>
public sealed class OwnQuestionTests
{
    private readonly Ticks _clock = new();
    private string? _answer = "me";

    [Fact]
    public async Task Answers_that_are_late_or_lost_now_and_then_are_no_illness()
    {
        OwnQuestion question = Make();
        for (int i = 0; i < 10; i++)
        {
            _answer = i % 3 == 0 ? "me" : null;
            Assert.True((await question.AskAsync("me", CancellationToken.None)).IsWell);
            _clock.Now += TimeSpan.FromSeconds(19);
        }
    }

    [Fact]
    public async Task A_bus_that_never_answered_or_is_silent_for_a_minute_is_ill_and_heals()
    {
        OwnQuestion question = Make();
        _answer = null;
        Assert.Equal("bus", (await question.AskAsync("me", CancellationToken.None)).Reason);
        _answer = "me";
        Assert.True((await question.AskAsync("me", CancellationToken.None)).IsWell);
        _answer = null;
        _clock.Now += OwnQuestion.Silence - TimeSpan.FromSeconds(1);
        Assert.True((await question.AskAsync("me", CancellationToken.None)).IsWell);
        _clock.Now += TimeSpan.FromSeconds(1);
        Assert.Equal("bus", (await question.AskAsync("me", CancellationToken.None)).Reason);
        _answer = "me";
        Assert.True((await question.AskAsync("me", CancellationToken.None)).IsWell);
    }

    [Fact]
    public async Task Somebody_else_who_answers_is_an_illness_at_once()
    {
        OwnQuestion question = Make();
        Assert.True((await question.AskAsync("me", CancellationToken.None)).IsWell);
        _answer = "another";
        Assert.Equal("bus", (await question.AskAsync("me", CancellationToken.None)).Reason);
    }

    private OwnQuestion Make() => new(_ => _answer is { } answer ? Task.FromResult(answer) : Task.FromException<string>(new IOException("no answer")), _clock);

    private sealed class Ticks : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
