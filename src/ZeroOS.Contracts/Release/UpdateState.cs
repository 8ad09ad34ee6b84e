using System.Text.Json.Serialization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Release;

/// <summary>How far an update is.</summary>
[JsonConverter(typeof(NamedEnumConverter<UpdateState>))]
public enum UpdateState
{
    /// <summary>The new version is on its way from the registry.</summary>
    [JsonStringEnumMemberName("fetching")] Fetching,

    /// <summary>It is being written beside the running one.</summary>
    [JsonStringEnumMemberName("writing")] Writing,

    /// <summary>Everything is in place; the computer restarts into it.</summary>
    [JsonStringEnumMemberName("restarting")] Restarting,

    /// <summary>It runs, and has to prove itself.</summary>
    [JsonStringEnumMemberName("trial")] Trial,

    /// <summary>It runs and stays.</summary>
    [JsonStringEnumMemberName("kept")] Kept,

    /// <summary>The version from before runs; the reason says why.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
}
