using System.Diagnostics;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Boot;

/// <summary>How long each way to boot takes.</summary>
internal static class Figures
{
    /// <summary>Times what a boot path takes from power on until the work is done, and prints it.</summary>
    public static async Task<T> Timed<T>(ITestOutputHelper output, string path, Func<Task<T>> boot)
    {
        Stopwatch watch = Stopwatch.StartNew();
        T result = await boot();
        World.Figure(output, $"seconds from power on, {path}", watch.Elapsed.TotalSeconds, "s");
        return result;
    }
}
