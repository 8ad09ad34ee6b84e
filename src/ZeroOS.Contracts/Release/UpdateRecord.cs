using System.Text.Json.Serialization;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Contracts.Release;

/// <summary>
/// What the node remembers of its last update, from before the restart to after it. The version on trial reads what the one before wrote: members may be added,
/// not renamed.
/// </summary>
public sealed record UpdateRecord
{
    /// <summary>Where it is.</summary>
    public required UpdateState State { get; init; }

    /// <summary>What was asked for.</summary>
    public required string Version { get; init; }

    /// <summary>What ran then.</summary>
    public required string From { get; init; }

    /// <summary>What a node that runs the new version says it is.</summary>
    public required string ImageDigest { get; init; }

    /// <summary>The EFI file's digest.</summary>
    public required string EfiDigest { get; init; }

    /// <summary>Booted over the network: nothing is written, a server gives the new version.</summary>
    public bool OverNetwork { get; init; }

    /// <summary>Seconds for which health must hold.</summary>
    public int HealthSeconds { get; init; }

    /// <summary>What was well before, and has to be again.</summary>
    public HealthExpectation Expect { get; set; } = HealthExpectation.None;

    /// <summary>Why it failed, or is about to.</summary>
    public string? Reason { get; init; }

    /// <summary>The same as a sentence.</summary>
    public string? Message { get; init; }

    /// <summary>It is not decided yet how it ends, and the computer restarts or has restarted for it.</summary>
    [JsonIgnore]
    public bool IsPending => State is UpdateState.Restarting or UpdateState.Trial;

    /// <summary>This record with an end.</summary>
    public UpdateRecord Failed(string reason, string message) => this with { State = UpdateState.Failed, Reason = reason, Message = message };

    /// <summary>This record with the good end.</summary>
    public UpdateRecord Kept() => this with { State = UpdateState.Kept, Reason = null, Message = null };
}

/// <summary>What a trial is measured by.</summary>
public sealed record HealthExpectation
{
    /// <summary>Nothing is known about before.</summary>
    public static readonly HealthExpectation None = new() { Storage = false, Network = [], Machines = [] };

    /// <summary>What was stored survived a reboot.</summary>
    public required bool Storage { get; init; }

    /// <summary>Conditions of the uplink that were well.</summary>
    public required IReadOnlyList<string> Network { get; init; }

    /// <summary>Machines that ran.</summary>
    public required IReadOnlyList<ExpectedMachine> Machines { get; init; }
}

/// <summary>A machine by its names, and the version of its deployment; null in what an earlier ZeroOS remembered.</summary>
public sealed record ExpectedMachine(string Tenant, string Deployment, string Name, int? Version = null);

/// <summary>JSON of what is remembered.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UpdateRecord))]
public sealed partial class UpdateJson : JsonSerializerContext;
