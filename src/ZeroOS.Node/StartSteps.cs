using System.Diagnostics;
using System.Globalization;

using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Node;

/// <summary>Runs the steps of the start one after the other: each has a name in the log, its time, and words on the screen.</summary>
internal sealed class StartSteps(QueuedLog log, NodeOverview overview, NodeScreen screen)
{
    private static readonly Dictionary<string, string> s_words = new(StringComparer.Ordinal)
    {
        ["settings"] = "reads the farm settings",
        ["storage"] = "looks at the disks",
        ["identity"] = "looks for its identity",
        ["state"] = "copies its state to its other disks",
        ["uplink"] = "brings the network up",
        ["images"] = "opens its images",
        ["engine"] = "takes up its machines",
        ["bus"] = "opens the bus",
    };

    /// <summary>What the step makes.</summary>
    /// <exception cref="StartFailedException">Whatever it threw, which is logged: the role ends, and PID 1 starts it again.</exception>
    public T Run<T>(string name, Func<T> step)
    {
        long began = Stopwatch.GetTimestamp();
        overview.Change(p => p with { Stage = $"starting: {s_words.GetValueOrDefault(name, name)}" });
        screen.Show();
        T made;
        try
        {
            made = step();
        }
        catch (Exception e)
        {
            log.Error($"node step={name} failed: {e.GetType().Name}: {e.Message}");
            overview.Change(p => p with { Stage = $"failed at {name}: {e.Message}" });
            screen.Show();
            throw new StartFailedException(name, e);
        }
        log.Debug(string.Create(CultureInfo.InvariantCulture, $"node step={name} ms={Stopwatch.GetElapsedTime(began).TotalMilliseconds:F1}"));
        return made;
    }
}
