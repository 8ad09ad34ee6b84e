namespace ZeroOS.Init;

/// <summary>
/// Settings from the kernel's command line. Whoever can write it is not trusted: only the keys listed here count, none of them names an owner or weakens
/// security, and a value is short and plain. Everything else with our prefix is said to be ignored.
/// </summary>
internal static class KernelCommandLine
{
    private const string Prefix = "zeroos.";
    private const int MaxValue = 64;

    private static readonly string[] s_allowed =
    [
        "boot", // "network": kernel and initramfs came over the network; an update is then to restart into what the server gives
        "log",  // "debug": the node says more
        "name", // what the node is called on its screen until the farm settings say otherwise
    ];

    internal static void Read(Boot boot)
    {
        (Dictionary<string, string> settings, List<string> ignored) = Parse(boot.Kernel.Read("/proc/cmdline") ?? "");
        boot.Settings = settings;
        if (ignored.Count > 0)
            boot.Log.Warn($"command-line ignored={string.Join(',', ignored)}");
    }

    internal static (Dictionary<string, string> Settings, List<string> Ignored) Parse(string line)
    {
        Dictionary<string, string> settings = [];
        List<string> ignored = [];
        foreach (string word in line.Split([' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!word.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            string[] pair = word[Prefix.Length..].Split('=', 2);
            if (pair.Length == 2 && s_allowed.Contains(pair[0]) && IsPlain(pair[1]))
                settings[pair[0]] = pair[1];
            else if (ignored.Count < 8)
                ignored.Add(new string([.. pair[0].Where(char.IsAsciiLetterOrDigit).Take(24)]));
        }
        return (settings, ignored);
    }

    private static bool IsPlain(string value)
        => value.Length is > 0 and <= MaxValue && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
