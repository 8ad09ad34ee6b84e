using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.node.update.</summary>
public sealed record NodeUpdate
{
    /// <summary>The signed release document, base64: what zos release wrote.</summary>
    public required string Release { get; init; }
}

/// <summary>How far an update is.</summary>
[JsonConverter(typeof(NamedEnumConverter<UpdateState>))]
public enum UpdateState
{
    /// <summary>The new version is on its way from the registry.</summary>
    [JsonStringEnumMemberName("fetching")] Fetching,

    /// <summary>It is being written beside the running one.</summary>
    [JsonStringEnumMemberName("writing")] Writing,

    /// <summary>Everything is in place; the machine restarts into it.</summary>
    [JsonStringEnumMemberName("restarting")] Restarting,

    /// <summary>It runs, and has to prove itself.</summary>
    [JsonStringEnumMemberName("trial")] Trial,

    /// <summary>It runs and stays.</summary>
    [JsonStringEnumMemberName("kept")] Kept,

    /// <summary>The version from before runs; the reason says why.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
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
