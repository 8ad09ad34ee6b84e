using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Checks the health check of a machine.</summary>
internal static class HealthRules
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(HealthLimits.ShortestMs);
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(HealthLimits.LongestMs);

    /// <summary>Checks one; <paramref name="path"/> is its place.</summary>
    public static void Check(string path, HealthCheck health)
    {
        string[] ways = [.. Ways(health)];
        if (ways.Length > 1)
            throw Refuse.Invalid($"{path}.{ways[1]}", $"a health check asks in one way; \"{ways[0]}\" is given already");
        if (health.None && health != new HealthCheck { None = true })
            throw Refuse.Invalid($"{path}.none", "\"none\" switches the image's check off; nothing else goes with it");
        CheckCommand(path, health);
        if (health.Http is { } http)
            CheckHttp($"{path}.http", http);
        if (health.Tcp is { Port: < 1 or > 65535 })
            throw Refuse.Invalid($"{path}.tcp.port", "a port is between 1 and 65535");
        CheckTime($"{path}.interval", health.Interval, s_shortest);
        CheckTime($"{path}.timeout", health.Timeout, s_shortest);
        CheckTime($"{path}.startPeriod", health.StartPeriod, TimeSpan.Zero);
        CheckTime($"{path}.startInterval", health.StartInterval, s_shortest);
        if (health.Retries is < 1 or > HealthLimits.MostRetries)
            throw Refuse.Invalid($"{path}.retries", $"a machine is unhealthy after 1 to {HealthLimits.MostRetries} failures in a row");
    }

    private static IEnumerable<string> Ways(HealthCheck health)
    {
        if (health.Command is not null)
            yield return "command";
        if (health.Shell is not null)
            yield return "shell";
        if (health.Http is not null)
            yield return "http";
        if (health.Tcp is not null)
            yield return "tcp";
    }

    private static void CheckCommand(string path, HealthCheck health)
    {
        if (health.Command is [] or ["", ..])
            throw Refuse.Invalid($"{path}.command", "a command is a program and its arguments");
        if (health.Shell is { } text && string.IsNullOrWhiteSpace(text))
            throw Refuse.Invalid($"{path}.shell", "a text for the shell is not empty; leave it out for the image's own check");
        IReadOnlyList<string> words = health.Command ?? (health.Shell is null ? [] : [health.Shell]);
        string at = $"{path}.{(health.Command is null ? "shell" : "command")}";
        if (words.Sum(w => (long)Encoding.UTF8.GetByteCount(w) + 1) > HealthLimits.CommandBytes)
            throw Refuse.Invalid(at, "a probe has at most 8KiB of program and arguments");
        if (words.Any(w => w.Contains('\0')))
            throw Refuse.Invalid(at, "an argument has no NUL in it");
    }

    private static void CheckHttp(string path, HttpCheck http)
    {
        if (http.Port is < 1 or > 65535)
            throw Refuse.Invalid($"{path}.port", "a port is between 1 and 65535");
        if (http.Path.Length is < 1 or > 1024 || http.Path[0] != '/' || http.Path.AsSpan().ContainsAnyExceptInRange('!', '~'))
            throw Refuse.Invalid($"{path}.path", "a path begins with \"/\" and has at most 1024 printable ASCII characters; a blank is written %20");
        if (http.Status is < 100 or > 599)
            throw Refuse.Invalid($"{path}.status", "a status is between 100 and 599");
    }

    private static void CheckTime(string path, string? text, TimeSpan shortest)
    {
        if (text is not null && (!Durations.TryParse(text, s_longest, out TimeSpan time) || time < shortest))
            throw Refuse.Invalid(path, $"a time is a number of ms, s or m, such as 30s, at least {shortest.TotalSeconds:0}s and at most 60m");
    }
}
