using Xunit;

using ZeroOS.Linux;
using ZeroOS.Node;
using ZeroOS.Node.Screen;

namespace ZeroOS.Tests.Node;

public sealed class StartStepsTests : IDisposable
{
    private readonly QueuedLog _log = new(new KernelLog());
    private readonly NodeOverview _overview = new();
    private readonly StartSteps _steps;

    public StartStepsTests()
    {
        FileDescriptor noTerminal = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite, 0);
        _steps = new StartSteps(_log, _overview, new NodeScreen(noTerminal, _overview.Screen, _log));
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Before_the_first_step_the_screen_is_told_what_little_there_is()
    {
        ScreenFacts facts = _overview.Screen();
        Assert.Equal("starting", facts.Stage);
        Assert.Null(facts.NodeId);
        Assert.Null(facts.Usage);
        Assert.Empty(facts.Disks);
        Assert.Equal("booting", _overview.Status().Stage);
    }

    [Fact]
    public void A_step_says_on_the_screen_what_it_does_and_gives_what_it_made()
    {
        string? stage = null;
        Assert.Equal(7, _steps.Run("images", () =>
        {
            stage = _overview.Screen().Stage;
            return 7;
        }));
        Assert.Equal("starting: opens its images", stage);
    }

    [Fact]
    public void A_step_that_throws_ends_the_start_and_stays_on_the_screen()
    {
        StartFailedException failed = Assert.Throws<StartFailedException>(() => _steps.Run<int>("storage", () => throw new IOException("no disk")));
        Assert.IsType<IOException>(failed.InnerException);
        Assert.Equal("failed at storage: no disk", _overview.Screen().Stage);
    }
}
