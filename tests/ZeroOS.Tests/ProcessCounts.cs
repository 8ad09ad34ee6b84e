using Xunit;

namespace ZeroOS.Tests;

/// <summary>
/// Threads and descriptors of this process, as the kernel counts them. The runtime keeps each assembly that it loads open; those do not count.
/// </summary>
internal readonly record struct ProcessCounts(int Threads, int Descriptors)
{
    // The runtime's own threads come and go.
    private const int RuntimeThreads = 12, RuntimeDescriptors = 12;

    public static ProcessCounts Now => new(Directory.GetDirectories("/proc/self/task").Length,
        Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) != true));

    // What is open, by kind, the most first: who leaks is seen by what is left.
    private static string Kinds() => string.Join(", ", Directory.GetFiles("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "gone")
        .GroupBy(t => t.Split('[')[0]).OrderByDescending(g => g.Count()).Take(8).Select(g => $"{g.Count()} {g.Key}"));

    /// <summary>Waits until the counts are what they were, give or take the runtime's own.</summary>
    public void AssertReturns(int moreThreads = 0, int moreDescriptors = 0)
    {
        (int threads, int descriptors) = (Threads + RuntimeThreads + moreThreads, Descriptors + RuntimeDescriptors + moreDescriptors);
        ProcessCounts last = default;
        Assert.True(SpinWait.SpinUntil(() => (last = Now).Threads <= threads && last.Descriptors <= descriptors, TimeSpan.FromSeconds(20)),
            $"{last}, at most {threads} and {descriptors}: {Kinds()}");
    }
}
