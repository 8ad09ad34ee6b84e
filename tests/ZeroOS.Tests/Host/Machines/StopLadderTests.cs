using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Machines;

namespace ZeroOS.Tests.Host.Machines;

public sealed class StopLadderTests
{
    [Fact]
    public void The_button_comes_after_the_grace_and_the_kill_after_the_button_each_once()
    {
        StopLadder ladder = new();
        Assert.Equal(-1, ladder.TimeoutFrom(0));
        Assert.Equal(StopStep.None, ladder.Take(1_000_000));

        ladder.Ask(new GuestStop { GraceMs = 10_000 }, 1_000);

        Assert.Equal(13_000, ladder.TimeoutFrom(1_000));
        Assert.Equal(StopStep.None, ladder.Take(13_999));
        Assert.Equal(StopStep.PowerButton, ladder.Take(14_000));
        Assert.Equal(StopStep.None, ladder.Take(18_999));
        Assert.Equal(StopStep.Kill, ladder.Take(19_000));
        Assert.Equal(-1, ladder.TimeoutFrom(19_000));
        Assert.Equal(StopStep.None, ladder.Take(1_000_000));
    }

    [Fact]
    public void Asking_again_can_only_make_it_sooner()
    {
        StopLadder ladder = new();
        ladder.Ask(new GuestStop { GraceMs = 60_000 }, 0);
        ladder.Ask(new GuestStop { GraceMs = 90_000 }, 0);
        Assert.Equal(63_000, ladder.TimeoutFrom(0));
        ladder.Ask(new GuestStop { GraceMs = 0 }, 0);
        Assert.Equal(3_000, ladder.TimeoutFrom(0));
        ladder.Ask(new GuestStop { GraceMs = int.MinValue }, 0);
        Assert.Equal(3_000, ladder.TimeoutFrom(0));
    }
}
