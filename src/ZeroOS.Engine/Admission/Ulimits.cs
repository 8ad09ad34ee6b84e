namespace ZeroOS.Engine.Admission;

/// <summary>Limits of a process by Docker's names, which are the kernel's in small letters (getrlimit(2)).</summary>
internal static class Ulimits
{
    /// <summary>Open files that a guest's kernel allows a process at most (fs.nr_open).</summary>
    public const long MaxOpenFiles = 1_048_576;

    /// <summary>The name of the limit of open files.</summary>
    public const string OpenFiles = "nofile";

    // In the kernel's order, from 0; Docker does not know the address space.
    private static readonly string[] s_names =
    [
        "cpu", "fsize", "data", "stack", "core", "rss", "nproc", OpenFiles, "memlock", "", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
    ];

    /// <summary>All names, for a sentence.</summary>
    public static string All => string.Join(", ", s_names.Where(n => n.Length > 0).Order(StringComparer.Ordinal));

    /// <summary>Whether there is such a limit.</summary>
    public static bool IsName(string name) => name.Length > 0 && s_names.Contains(name);

    /// <summary>The kernel's number of a limit that is one.</summary>
    public static int Number(string name) => Array.IndexOf(s_names, name);
}
