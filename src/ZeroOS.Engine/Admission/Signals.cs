using System.Globalization;

namespace ZeroOS.Engine.Admission;

/// <summary>Signal names a tenant may write (signal(7), x86-64), with or without SIG, or a number from 1 to 64.</summary>
internal static class Signals
{
    private static readonly HashSet<string> s_names = new(StringComparer.Ordinal)
    {
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
        "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    };

    /// <summary>Whether the text names a signal; the answer has the "SIG" in front of a name.</summary>
    public static bool TryNormalise(string text, out string signal)
    {
        signal = text;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number is >= 1 and <= 64 && text.Length <= 2;
        string name = text.StartsWith("SIG", StringComparison.Ordinal) ? text[3..] : text;
        signal = "SIG" + name;
        return s_names.Contains(name);
    }
}
