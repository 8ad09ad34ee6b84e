using Xunit;
using Xunit.Abstractions;

namespace ZeroOS.Tests.Host.Machines;

[Collection(AloneCollection.Name)]
public sealed class MonitorFuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Whatever_a_monitor_and_its_guest_say_others_are_heard_and_nothing_is_left()
    {
        foreach (int seed in (int[])[8, Environment.TickCount])
        {
            output.WriteLine($"seed {seed}");
            MonitorFuzz.Run(seed, TimeSpan.FromSeconds(2));
        }
    }
}
