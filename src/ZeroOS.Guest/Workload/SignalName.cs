using System.Globalization;

namespace ZeroOS.Guest.Workload;

/// <summary>Signals by name or number (signal(7), x86-64).</summary>
internal static class SignalName
{
    internal const int Kill = 9, Terminate = 15;

    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>"SIGTERM", "term", "15", "SIGRTMIN+3" (what systemd images say); anything else is SIGTERM.</summary>
    internal static int Parse(string? text)
    {
        string name = (text ?? "").Trim().ToUpperInvariant();
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number is >= 1 and <= 64 ? number : Terminate;
        if (name.StartsWith("SIG", StringComparison.Ordinal))
            name = name[3..];
        const int SIGRTMIN = 34;
        if (name.StartsWith("RTMIN", StringComparison.Ordinal))
        {
            _ = int.TryParse(name.AsSpan(5), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int above);
            return above is >= 0 and <= 30 ? SIGRTMIN + above : Terminate;
        }
        int at = name.Length == 0 ? 0 : Array.IndexOf(s_names, name);
        return at > 0 ? at : Terminate;
    }
}
