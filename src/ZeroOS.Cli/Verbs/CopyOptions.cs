using ZeroOS.Cli.Output;

namespace ZeroOS.Cli.Verbs;

/// <summary>How a copy is made.</summary>
internal sealed record CopyOptions
{
    /// <summary>Files keep their owners.</summary>
    public required bool KeepOwners { get; init; }

    /// <summary>What a link at the source leads to is copied.</summary>
    public required bool FollowLink { get; init; }

    /// <summary>The streams of zos.</summary>
    public required Terminal Terminal { get; init; }

    /// <summary>Where it is said how far the copy is; null: nowhere.</summary>
    public required ProgressLine? Progress { get; init; }
}
