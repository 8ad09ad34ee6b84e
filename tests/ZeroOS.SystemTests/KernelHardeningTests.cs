using System.Text.RegularExpressions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>The kernel that is in the image has every recommended setting, or a written reason why not (kernel-config/kspp and exceptions).</summary>
public sealed class KernelHardeningTests
{
    private static readonly Lazy<HashSet<string>> s_built = new(() => [.. File.ReadLines(Checkout.Path("out", "kernels", "host", "config"))]);

    private static IEnumerable<(string Setting, string Reason)> Lines(string file) => File.ReadLines(Checkout.Path("kernel-config", file))
        .Where(l => l.StartsWith("CONFIG_", StringComparison.Ordinal)).Select(l => l.Split(' ', 2)).Select(w => (w[0], w.Length > 1 ? w[1].Trim() : ""));

    /// <summary>An option that is absent, not set or of another version's kernel is off.</summary>
    private static bool Has(string setting) => setting.EndsWith("=n", StringComparison.Ordinal)
        ? !s_built.Value.Any(l => l.StartsWith(setting[..^1], StringComparison.Ordinal))
        : s_built.Value.Contains(setting);

    [Fact]
    public void Every_recommended_setting_is_in_the_kernel_or_has_its_reason()
    {
        HashSet<string> excepted = [.. Lines("exceptions").Select(e => e.Setting)];
        Assert.Equal([], Lines("kspp").Select(l => l.Setting).Where(s => !Has(s) && !excepted.Contains(s)));
        Assert.InRange(Lines("kspp").Count(), 100, 1000);
    }

    [Fact]
    public void Every_exception_is_of_the_list_still_needed_and_says_why()
    {
        HashSet<string> recommended = [.. Lines("kspp").Select(l => l.Setting)];
        foreach ((string setting, string reason) in Lines("exceptions"))
        {
            Assert.True(recommended.Contains(setting), $"{setting} is not on the list");
            Assert.False(Has(setting), $"{setting} is in the kernel now: its exception is stale");
            Assert.True(reason.Split(' ').Length >= 8, $"{setting} has no reason");
        }
    }

    [Theory]
    [InlineData("host")]
    [InlineData("guest")]
    public void Both_kernels_have_every_mitigation_of_the_processors_vulnerabilities(string kernel)
    {
        string config = File.ReadAllText(Checkout.Path("out", "kernels", kernel, "config"));
        Assert.Contains("\nCONFIG_CPU_MITIGATIONS=y\n", config, StringComparison.Ordinal);
        Assert.Empty(Regex.Matches(config, "# (CONFIG_MITIGATION_[A-Z0-9_]+) is not set").Select(m => m.Groups[1].Value));
        Assert.InRange(Regex.Count(config, "(?m)^CONFIG_MITIGATION_[A-Z0-9_]+=y$"), 20, 100);
    }
}
