namespace ZeroOS.Images.Fetch;

/// <summary>How long a registry's answer may take in all, with challenges, redirects and retries: half a minute, and its bytes at 16 KiB/s.</summary>
internal static class FetchDeadline
{
    /// <summary>Bytes a second that a registry sends on average at least.</summary>
    public const int LeastRate = 16 * 1024;

    private static readonly TimeSpan s_head = TimeSpan.FromSeconds(30), s_grace = TimeSpan.FromSeconds(10);

    /// <summary>The time for an answer of at most <paramref name="bytes"/>, as the fetch process holds the registry to it.</summary>
    public static TimeSpan Of(int bytes) => s_head + TimeSpan.FromSeconds((double)bytes / LeastRate);

    /// <summary>The same as the node holds the fetch process to it: longer, so that the process can say what happened.</summary>
    public static TimeSpan OfNode(int bytes) => Of(bytes) + s_grace;
}
