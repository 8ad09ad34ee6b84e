using System.Globalization;
using System.Text.RegularExpressions;

using ZeroOS.Cli.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>Moments as people type them, in Docker's words.</summary>
internal static partial class TimeArgument
{
    private const int MaxLength = 64;

    private static readonly string[] s_dates = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF"];

    private static readonly Dictionary<string, double> s_units = new(StringComparer.Ordinal) { ["h"] = 3600, ["m"] = 60, ["s"] = 1, ["ms"] = 0.001 };

    /// <summary>
    /// RFC 3339 in part or whole (without an offset it is the local time of <paramref name="clock"/>), seconds since 1970 with a fraction or without, or how
    /// long ago, as 10m or 1h30m.
    /// </summary>
    /// <exception cref="CliException">It is none of them.</exception>
    public static DateTimeOffset Parse(string text, TimeProvider clock)
    {
        if (text.Length <= MaxLength && (Ago(text, clock.GetUtcNow()) ?? Unix(text) ?? Date(text, clock)) is { } time)
            return time;
        throw new CliException($"\"{text}\" is no time: as 2026-11-30T09:30:00Z, as 1796030000 (seconds since 1970), or how long ago, as 10m or 1h30m",
            CliException.Usage);
    }

    private static DateTimeOffset? Ago(string text, DateTimeOffset now)
    {
        if (Duration().Match(text) is not { Success: true } match)
            return null;
        double seconds = 0;
        for (int i = 0; i < match.Groups["unit"].Captures.Count; i++)
            seconds += double.Parse(match.Groups["n"].Captures[i].ValueSpan, CultureInfo.InvariantCulture) * s_units[match.Groups["unit"].Captures[i].Value];
        return seconds < (now - DateTimeOffset.UnixEpoch).TotalSeconds ? now - TimeSpan.FromSeconds(seconds) : null;
    }

    private static DateTimeOffset? Unix(string text) => Seconds().IsMatch(text)
        && decimal.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) is var seconds && seconds < 253_402_300_800
        ? DateTimeOffset.UnixEpoch + TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)) : null;

    private static DateTimeOffset? Date(string text, TimeProvider clock)
    {
        if (Offset().Match(text) is { Success: true } offset)
        {
            string[] formats = [.. s_dates.Select(d => d + "K")];
            return DateTimeOffset.TryParseExact(Shorter(text[..offset.Index]) + offset.Value, formats, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time.ToUniversalTime() : null;
        }
        if (!DateTime.TryParseExact(Shorter(text), s_dates, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime local)
            || local.Year < DateTimeOffset.UnixEpoch.Year)
            return null;
        TimeZoneInfo zone = clock.LocalTimeZone;
        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }

    /// <summary>.NET's clocks have seven digits of a second; people may give nine.</summary>
    private static string Shorter(string text) => Nanoseconds().Replace(text, "$1");

    [GeneratedRegex(@"^(?:(?<n>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?<unit>h|ms|m|s))+\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Duration();

    [GeneratedRegex(@"^[0-9]{1,12}(\.[0-9]{1,9})?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Seconds();

    [GeneratedRegex(@"(Z|[+-][0-9]{2}:[0-9]{2})\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Offset();

    [GeneratedRegex(@"(\.[0-9]{7})[0-9]{1,2}\z")]
    private static partial Regex Nanoseconds();
}
