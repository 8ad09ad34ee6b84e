using System.Globalization;

namespace ZeroOS.Engine.Admission;

/// <summary>
/// Signal names that a tenant or an image may write (signal(7), x86-64), as Docker reads them: with or without SIG, in any case, a number from 1 to 64, or
/// counted from SIGRTMIN or SIGRTMAX. Images of systemd say SIGRTMIN+3.
/// </summary>
internal static class Signals
{
    private const int Highest = 64, RealTime = 30; // SIGRTMAX, and how many it lies above SIGRTMIN, as a C library counts that

    // In the kernel's order, from 1.
    private static readonly string[] s_names =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
        "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    private static readonly Dictionary<string, string> s_others = new(StringComparer.Ordinal) { ["CLD"] = "CHLD", ["IOT"] = "ABRT", ["POLL"] = "IO" };

    /// <summary>Whether the text names a signal; the answer has the "SIG" in front of a name, and counts from SIGRTMIN.</summary>
    public static bool TryNormalise(string text, out string signal)
    {
        string name = text.Trim().ToUpperInvariant();
        signal = name;
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            return number is >= 1 and <= Highest && name.Length <= 2;
        if (name.StartsWith("SIG", StringComparison.Ordinal))
            name = name[3..];
        if (Above(name) is { } above)
        {
            signal = above == 0 ? "SIGRTMIN" : string.Create(CultureInfo.InvariantCulture, $"SIGRTMIN+{above}");
            return true;
        }
        name = s_others.GetValueOrDefault(name, name);
        signal = "SIG" + name;
        return s_names.Contains(name);
    }

    /// <summary>The number of a signal that <see cref="TryNormalise"/> has answered, 1 to 64.</summary>
    public static int Number(string signal) => int.TryParse(signal, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
        : Above(signal[3..]) is { } above ? Highest - RealTime + above : Array.IndexOf(s_names, signal[3..]) + 1;

    /// <summary>How far above SIGRTMIN the name lies, or null when it is no such name: RTMIN, RTMIN+n, RTMAX or RTMAX-n.</summary>
    private static int? Above(string name)
    {
        bool fromHighest = name.StartsWith("RTMAX", StringComparison.Ordinal);
        if (!fromHighest && !name.StartsWith("RTMIN", StringComparison.Ordinal))
            return null;
        int count = 0;
        if (name.Length > 5
            && (name[5] != (fromHighest ? '-' : '+') || name.Length > 8
                || !int.TryParse(name.AsSpan(6), NumberStyles.None, CultureInfo.InvariantCulture, out count)))
            return null;
        int above = fromHighest ? RealTime - count : count;
        return above is >= 0 and <= RealTime ? above : null;
    }
}
