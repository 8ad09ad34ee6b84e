using System.Globalization;

namespace ZeroOS.Media.SystemImage;

/// <summary>The time in everything that is built: that of the sources, not the moment of the build.</summary>
internal static class SourceDate
{
    /// <summary>SOURCE_DATE_EPOCH of the environment (reproducible-builds.org), or the beginning of 2026.</summary>
    public static DateTimeOffset OfEnvironment() =>
        long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds) : new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
}
