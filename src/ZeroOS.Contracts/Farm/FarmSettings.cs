using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Farm;

/// <summary>
/// Whose node this is and what its owners decided; the payload of a DSSE document signed by every owner key it lists (docs/farm-settings.md).
/// </summary>
public sealed record FarmSettings
{
    /// <summary>The payload type of the signed document.</summary>
    public const string PayloadType = "application/vnd.zeroos.farm.v1+json";

    /// <summary>Where whoever boots the image may have put it beside the image: systemd-stub packs it from the boot medium.</summary>
    public const string Path = "/.extra/credentials/farm.cred";

    /// <summary>
    /// Where it is in an image that was made for one farm (zos image seal). The stub writes nothing here, so what is here is what was signed, and goes first.
    /// </summary>
    public const string SealedPath = "/sealed/farm.cred";

    /// <summary>A UUID; the farm's identity across versions.</summary>
    public required string FarmId { get; init; }

    /// <summary>
    /// Counts what the recovery key signed instead of the owners; goes before <see cref="Version"/>. 0 in settings that only owners signed ever since.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int RecoveryGeneration { get; init; }

    /// <summary>A node takes no lower one of the same recovery generation.</summary>
    public required int Version { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>Key ids of the owners, at least one.</summary>
    public required IReadOnlyList<string> Owners { get; init; }

    /// <summary>How many owners must sign what needs the farm's threshold.</summary>
    public required int Threshold { get; init; }

    /// <summary>Ed25519 key id that may sign successor settings whatever the owners say; kept offline.</summary>
    public required string RecoverySigningKey { get; init; }

    /// <summary>X25519 key, base64, that may open the sealed identity seed; kept offline.</summary>
    public required string RecoveryEncryptionKey { get; init; }

    /// <summary>Registries by the name that image references use.</summary>
    public IReadOnlyDictionary<string, FarmRegistry> Registries { get; set; } = new Dictionary<string, FarmRegistry>();

    /// <summary>SNTP servers; empty: DHCP's, then well-known ones.</summary>
    public IReadOnlyList<string> TimeServers { get; set; } = [];

    /// <summary>The channel of releases the nodes take; absent: "stable".</summary>
    public string? Channel { get; init; }
}

/// <summary>A registry that tenants' image references may name.</summary>
public sealed record FarmRegistry
{
    /// <summary>"http://10.0.2.2:5000" or "https://registry.example".</summary>
    public required string Url { get; init; }

    /// <summary>Plain HTTP is allowed for this one.</summary>
    public bool PlainHttp { get; init; }
}
