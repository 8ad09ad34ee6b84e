using Xunit;

using ZeroOS.Init;

namespace ZeroOS.Tests.Init;

public sealed class SupervisorTests
{
    [Fact]
    public void First_restart_comes_at_once_then_ever_later_up_to_a_minute()
    {
        Supervisor supervisor = new();
        List<long> delays = [];
        long now = 0;
        for (int i = 0; i < 11; i++)
        {
            Assert.True(supervisor.IsDue(now));
            supervisor.Started(100 + i, now);
            Assert.False(supervisor.IsDue(now));
            supervisor.Ended(now + 10);
            delays.Add(supervisor.DueAt - (now + 10));
            now = supervisor.DueAt;
        }
        Assert.Equal([0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000], delays);
        Assert.Equal(11, supervisor.Starts);
    }

    [Fact]
    public void A_minute_of_life_forgives_the_past()
    {
        Supervisor supervisor = new();
        for (int i = 0; i < 5; i++)
        {
            supervisor.Started(7, 0);
            supervisor.Ended(1);
        }
        supervisor.Started(7, 1000);
        supervisor.Ended(61_000);
        Assert.Equal(61_000, supervisor.DueAt);
        Assert.Equal(0, supervisor.Pid);
    }
}
