using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>Amounts of what machines take.</summary>
public sealed record Resources
{
    /// <summary>Machines.</summary>
    public required int Machines { get; init; }

    /// <summary>Virtual processors.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory.</summary>
    public required ByteSize Memory { get; init; }

    /// <summary>Disk space.</summary>
    public required ByteSize Storage { get; init; }
}
