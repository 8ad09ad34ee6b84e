using System.Globalization;

namespace ZeroOS.Tests;

/// <summary>
/// Seeds of tests that play random inputs: the same ones in every run, so that a run that fails fails again. ZEROOS_SEED, a number, takes their place.
/// </summary>
internal static class Seeds
{
    /// <summary>The seed of the test of that name.</summary>
    public static int Of(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable("ZEROOS_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int seed) ? seed
            : name.Aggregate(17, (sum, c) => unchecked((sum * 31) + c)) & int.MaxValue;
}
