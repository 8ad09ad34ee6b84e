namespace ZeroOS.Formats.Tar;

/// <summary>Turns a name out of an archive into a path that cannot leave the tree it is meant for.</summary>
public static class TarPath
{
    /// <summary>Longest path in bytes (Linux PATH_MAX).</summary>
    public const int MaxPathBytes = 4096;

    /// <summary>Longest single name in bytes (Linux NAME_MAX).</summary>
    public const int MaxNameBytes = 255;

    /// <summary>Drops leading, doubled and trailing slashes and `.`; the root is the empty string.</summary>
    /// <exception cref="TarException">The path has a `..`, a NUL, or is too long.</exception>
    public static string Normalise(string raw)
    {
        if (raw.Contains('\0'))
            throw new TarException($"a path with a NUL byte: {Printable(raw)}");
        if (raw.Length > MaxPathBytes)
            throw new TarException($"a path of {raw.Length} bytes, the limit is {MaxPathBytes}: {Printable(raw)}");
        var kept = new List<string>();
        foreach (string name in raw.Split('/'))
        {
            if (name.Length == 0 || name == ".")
                continue;
            if (name == "..")
                throw new TarException($"a path that climbs with ..: {Printable(raw)}");
            if (name.Length > MaxNameBytes)
                throw new TarException($"a name of {name.Length} bytes, the limit is {MaxNameBytes}: {Printable(raw)}");
            kept.Add(name);
        }
        return string.Join('/', kept);
    }

    /// <summary>The path for a message: at most 120 characters, as <see cref="ForeignText"/> makes them plain.</summary>
    public static string Printable(string path) => ForeignText.Plain(path, 120) + (path.Length > 120 ? "…" : "");
}
