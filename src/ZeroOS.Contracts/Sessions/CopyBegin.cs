namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// What a session of kind copy-out or copy-in is about: the body of its begin, written by the tenant and read by zguest; nobody in between looks at it.
/// </summary>
public sealed record CopyBegin
{
    /// <summary>Bytes of a path at most, UTF-8 (Linux PATH_MAX).</summary>
    public const int MaxPathBytes = 4096;

    /// <summary>
    /// Absolute path in the machine, as its workload sees it. Copy-out: what is copied; one that ends with a slash is a directory, one that ends with `/.` is
    /// what is in it. Copy-in: where to; a directory, or a name in one.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>Copy-out: what a symbolic link at the path leads to is copied, and not the link.</summary>
    public bool FollowLink { get; init; }

    /// <summary>Copy-in: files get the owners that the stream names; otherwise they are root's.</summary>
    public bool KeepOwners { get; init; }
}

/// <summary>
/// What is at the path of a session of kind copy-in: the first line on its channel 1. Links are followed. The stream's names are relative to the directory, if
/// it is one, and to the one in which the path ends, if not.
/// </summary>
public sealed record CopyTarget
{
    /// <summary>There is something.</summary>
    public bool IsThere { get; init; }

    /// <summary>It is a directory.</summary>
    public bool IsDirectory { get; init; }

    /// <summary>The last name of the path, behind all links, one byte a character (Latin-1); empty for a directory.</summary>
    public string Name { get; set; } = "";
}
