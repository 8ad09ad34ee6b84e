using ZeroOS.Contracts.Deployments;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>Reads the health check of an image config. As in Docker a test of another kind, or an empty one, is none.</summary>
internal static class ImageHealthReader
{
    /// <summary>The check, its texts checked already; null: the image has none. Numbers outside the bounds are the nearest that is inside.</summary>
    public static ImageHealth? Read(OciHealthDocument document, IReadOnlyList<string> test, IReadOnlyList<string> shell)
    {
        IReadOnlyList<string> command = test switch
        {
            ["CMD", _, ..] => [.. test.Skip(1)],
            ["CMD-SHELL", _, ..] => [.. shell, .. test.Skip(1)],
            _ => [],
        };
        return command is [] or ["", ..] ? null : new ImageHealth
        {
            Command = command,
            IntervalMs = Milliseconds(document.Interval),
            TimeoutMs = Milliseconds(document.Timeout),
            StartPeriodMs = Milliseconds(document.StartPeriod),
            StartIntervalMs = Milliseconds(document.StartInterval),
            Retries = document.Retries <= 0 ? null : (int)Math.Min(document.Retries, HealthLimits.MostRetries),
        };
    }

    private static int? Milliseconds(long nanoseconds) =>
        nanoseconds <= 0 ? null : (int)Math.Clamp(nanoseconds / 1_000_000, HealthLimits.ShortestMs, HealthLimits.LongestMs);
}
