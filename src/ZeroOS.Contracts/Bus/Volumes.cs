using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>A volume the tenant has on the node.</summary>
public sealed record VolumeStatus
{
    /// <summary>The deployment it was made by.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmount's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its size.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>Whether a deployment names it now.</summary>
    public required bool InUse { get; init; }
}

/// <summary>Answer to zos.volume.list.</summary>
public sealed record VolumeList
{
    /// <summary>The tenant's volumes.</summary>
    public required IReadOnlyList<VolumeStatus> Volumes { get; init; }
}

/// <summary>Names one volume.</summary>
public sealed record VolumeName
{
    /// <summary>The deployment it was made by.</summary>
    public required string Deployment { get; init; }

    /// <summary>The zmount's name.</summary>
    public required string Name { get; init; }
}
