namespace ZeroOS.Contracts.Release;

/// <summary>
/// One version of ZeroOS that nodes may update to; the payload of a DSSE document signed by M of N release keys (docs/update.md). It names what is to run by
/// digest, so that where the bytes come from does not matter.
/// </summary>
public sealed record ReleaseManifest
{
    /// <summary>The payload type of the signed document.</summary>
    public const string PayloadType = "application/vnd.zeroos.release.v1+json";

    /// <summary>The channel of a node whose farm settings name none.</summary>
    public const string DefaultChannel = "stable";

    /// <summary>Seconds for which the health of a trial must hold, unless the manifest says otherwise.</summary>
    public const int DefaultHealthSeconds = 120;

    /// <summary>Bounds of <see cref="HealthSeconds"/>.</summary>
    public const int MinHealthSeconds = 10, MaxHealthSeconds = 600;

    /// <summary>Bytes of an EFI file at most.</summary>
    public const int MaxEfiBytes = 64 << 20;

    /// <summary>Three numbers, each at most 65535: "1.2.3". A node takes only a higher one than it runs.</summary>
    public required string Version { get; init; }

    /// <summary>Who it is for: "stable". A node takes only releases of the channel its farm settings name.</summary>
    public required string Channel { get; init; }

    /// <summary>The oldest version that may update to this one directly.</summary>
    public required string MinimumVersion { get; init; }

    /// <summary>When it was made, UTC; for people.</summary>
    public required DateTimeOffset Issued { get; init; }

    /// <summary>What a node that runs it says it is (node.info's imageDigest): "sha256:" and hex.</summary>
    public required string ImageDigest { get; init; }

    /// <summary>The EFI file.</summary>
    public required ReleaseFile Efi { get; init; }

    /// <summary>The repository that holds the EFI file as a blob, by the registry's name in the farm settings: "releases/zeroos".</summary>
    public required string Image { get; init; }

    /// <summary>Digest of measurements.json, for whoever verifies nodes.</summary>
    public string? Measurements { get; init; }

    /// <summary>Seconds for which a trial's health must hold before the version is kept: 10 to 600.</summary>
    public int HealthSeconds { get; set; } = DefaultHealthSeconds;
}

/// <summary>A file by its content.</summary>
public sealed record ReleaseFile
{
    /// <summary>"sha256:" and hex.</summary>
    public required string Digest { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }
}
