using System.Text.Json.Serialization;

using ZeroOS.Contracts.Release;

namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.node.update.</summary>
public sealed record NodeUpdate
{
    /// <summary>The signed release document, base64: what zos release wrote.</summary>
    public required string Release { get; init; }
}

/// <summary>Answer to zos.node.update, and the update in zos.node.status.</summary>
public sealed record UpdateStatus
{
    /// <summary>Where it is.</summary>
    public required UpdateState State { get; init; }

    /// <summary>The version asked for.</summary>
    public required string Version { get; init; }

    /// <summary>The version that ran when it was asked for.</summary>
    public required string From { get; init; }

    /// <summary>While fetching: bytes that have arrived, and all.</summary>
    public long DoneBytes { get; init; }

    /// <summary>While fetching: bytes in all.</summary>
    public long TotalBytes { get; init; }

    /// <summary>Kebab-case code when failed.</summary>
    public string? Reason { get; init; }

    /// <summary>A sentence.</summary>
    public string? Message { get; init; }
}
