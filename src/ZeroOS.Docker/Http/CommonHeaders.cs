namespace ZeroOS.Docker.Http;

/// <summary>What every answer says of this server. The version of the API counts: without it a client falls back to one of ten years ago.</summary>
internal static class CommonHeaders
{
    /// <summary>Names and values.</summary>
    public static readonly IReadOnlyList<KeyValuePair<string, string>> All =
    [
        new("Api-Version", DockerPath.NewestText),
        new("Docker-Experimental", "false"),
        new("Ostype", "linux"),
        new("Server", "Docker/ZeroOS (linux)"),
    ];

    /// <summary>As lines of a head.</summary>
    public static readonly string Text = string.Concat(All.Select(h => $"{h.Key}: {h.Value}\r\n"));
}
