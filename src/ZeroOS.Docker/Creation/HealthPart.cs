using System.Globalization;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Creation;

/// <summary>Docker's health check as the node's: a time or number of 0 is the image's, and times are whole seconds, rounded up.</summary>
internal static class HealthPart
{
    private const long Second = 1_000_000_000;

    /// <summary>The check; null: nothing is said about it.</summary>
    /// <exception cref="DockerFault">400: its test is of no known kind.</exception>
    public static HealthCheck? Of(JsonObject said)
    {
        IReadOnlyList<string> test = said.Strings("Test") ?? [];
        if (test is ["NONE"])
            return new HealthCheck { None = true };
        HealthCheck check = new()
        {
            Command = test is ["CMD", _, ..] ? [.. test.Skip(1)] : null,
            Shell = test is ["CMD-SHELL", string text] ? text : null,
            Interval = Time(said, "Interval"),
            Timeout = Time(said, "Timeout"),
            Retries = said.Number("Retries") is > 0 and long retries ? (int)Math.Min(retries, int.MaxValue) : null,
            StartPeriod = Time(said, "StartPeriod"),
            StartInterval = Time(said, "StartInterval"),
        };
        if (test.Count > 0 && check is { Command: null, Shell: null })
            throw DockerFault.Bad($"Healthcheck.Test cannot be honoured: \"{test[0]}\" begins none of NONE alone, CMD with a program, CMD-SHELL with one text");
        return check == new HealthCheck() ? null : check;
    }

    private static string? Time(JsonObject said, string name) => said.Number(name) is > 0 and long nanoseconds
        ? string.Create(CultureInfo.InvariantCulture, $"{(nanoseconds - 1) / Second + 1}s") : null;
}
