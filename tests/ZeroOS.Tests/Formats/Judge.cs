using System.Diagnostics;

using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Formats;

/// <summary>Programs that are not ours and know the formats we write.</summary>
internal static class Judge
{
    /// <summary>
    /// What the program says of its arguments, output and errors together; the test is skipped where it is not installed, and fails where it does not end well.
    /// </summary>
    public static string Ask(string program, params string[] arguments)
    {
        string? path = ((string[])["/usr/bin", "/usr/sbin", "/bin", "/sbin"]).Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
        Skip.If(path is null, $"{program} is not installed");
        ProcessStartInfo start = new(path!, arguments);
        start.Environment["TZ"] = "UTC";
        return ProgramRun.Of(start).Succeeded().Said;
    }

    /// <summary>Skips the test where one of them is not installed.</summary>
    public static void Need(params string[] programs)
    {
        foreach (string program in programs)
            Skip.IfNot(File.Exists($"/usr/bin/{program}") || File.Exists($"/usr/sbin/{program}"), $"{program} is not installed");
    }
}
