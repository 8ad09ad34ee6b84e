using ZeroOS.Contracts.Guest;

namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.machine.logs.</summary>
public sealed record MachineLogs
{
    /// <summary>The deployment.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmachine in it.</summary>
    public required string Machine { get; init; }

    /// <summary>Go on as more comes.</summary>
    public bool Follow { get; init; }

    /// <summary>Only the last so many bytes of what is kept, at a line's start; absent: all.</summary>
    public long? TailBytes { get; init; }

    /// <summary>Only what lies behind the position of an earlier piece: where a stream that broke off goes on. Goes before <see cref="TailBytes"/>.</summary>
    public long? After { get; init; }
}

/// <summary>One piece of a log stream.</summary>
public sealed record LogPiece
{
    /// <summary>At most 64 KiB, base64.</summary>
    public required string Data { get; init; }

    /// <summary>Which of the machine's streams.</summary>
    public required OutputStream Stream { get; init; }

    /// <summary>The position in the machine's log behind this piece; what is asked for with <see cref="MachineLogs.After"/> begins there.</summary>
    public required long Position { get; init; }
}
