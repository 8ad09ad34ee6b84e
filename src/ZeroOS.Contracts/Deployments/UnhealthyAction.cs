using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>What the node does with a machine that became unhealthy.</summary>
[JsonConverter(typeof(NamedEnumConverter<UnhealthyAction>))]
public enum UnhealthyAction
{
    /// <summary>It says so, as Docker does.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>It stops the machine as the deployment says, and starts it again after a back-off, whatever its restart policy.</summary>
    [JsonStringEnumMemberName("restart")] Restart,
}
