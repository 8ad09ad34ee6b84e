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

    /// <summary>Only the last so many lines of what is kept, of both streams together; absent: all. Not with <see cref="TailBytes"/>.</summary>
    public long? TailLines { get; init; }

    /// <summary>Only what came at this time or later, by the node's clock. What has no time is older.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only what came at this time or earlier; a stream that is followed ends then. What has no time is older.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>
    /// The first piece comes at once, empty if there is nothing to read: what the machine says from then on is told, up to its last word.
    /// </summary>
    public bool AtOnce { get; init; }

    /// <summary>Say when output came.</summary>
    public bool Times { get; init; }

    /// <summary>Only what lies behind the position of an earlier piece: where a stream that broke off goes on. Goes before a tail.</summary>
    public long? After { get; init; }
}

/// <summary>One piece of a log stream: output of both streams, in the order in which it came.</summary>
public sealed record LogPiece
{
    /// <summary>Bytes of output at most.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Runs at most: changes of the stream, or of the time where times are said.</summary>
    public const int MaxRuns = 4096;

    /// <summary>The output, base64.</summary>
    public required string Data { get; init; }

    /// <summary>Whose output it is: from the first byte to the last, each byte in one run.</summary>
    public required IReadOnlyList<LogRun> Runs { get; init; }

    /// <summary>What the times of the runs count from; absent: no run has one.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>The position in the machine's log behind this piece; what is asked for with <see cref="MachineLogs.After"/> begins there.</summary>
    public required long Position { get; init; }
}
