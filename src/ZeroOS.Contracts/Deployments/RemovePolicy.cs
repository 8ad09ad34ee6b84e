using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>When the node deletes a deployment by itself. Volumes are kept.</summary>
[JsonConverter(typeof(NamedEnumConverter<RemovePolicy>))]
public enum RemovePolicy
{
    /// <summary>Never.</summary>
    [JsonStringEnumMemberName("never")] Never,

    /// <summary>When its machine is at rest: exited and not started again, or stopped.</summary>
    [JsonStringEnumMemberName("on-exit")] OnExit,
}
