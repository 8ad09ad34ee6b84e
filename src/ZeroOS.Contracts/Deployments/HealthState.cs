using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Deployments;

/// <summary>What the probes of a machine say together.</summary>
[JsonConverter(typeof(NamedEnumConverter<HealthState>))]
public enum HealthState
{
    /// <summary>No probe has succeeded yet, and not enough have failed.</summary>
    [JsonStringEnumMemberName("starting")] Starting,

    /// <summary>A probe succeeded, and since then fewer failed in a row than make it unhealthy.</summary>
    [JsonStringEnumMemberName("healthy")] Healthy,

    /// <summary>So many failed in a row.</summary>
    [JsonStringEnumMemberName("unhealthy")] Unhealthy,
}
