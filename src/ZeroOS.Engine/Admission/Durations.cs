using System.Globalization;

namespace ZeroOS.Engine.Admission;

/// <summary>Lengths of time as tenants write them: a whole number and one of ms, s, m ("500ms", "30s", "2m").</summary>
internal static class Durations
{
    private static readonly (string Suffix, long Milliseconds)[] s_units = [("ms", 1), ("s", 1000), ("m", 60_000)];

    /// <summary>Parses; false for anything else and for more than <paramref name="most"/>.</summary>
    public static bool TryParse(string text, TimeSpan most, out TimeSpan duration)
    {
        duration = default;
        foreach ((string suffix, long unit) in s_units)
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal))
                continue;
            ReadOnlySpan<char> digits = text.AsSpan(0, text.Length - suffix.Length);
            if (digits.Length > 9 || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long n))
                return false;
            duration = TimeSpan.FromMilliseconds(n * unit);
            return duration <= most;
        }
        return false;
    }
}
