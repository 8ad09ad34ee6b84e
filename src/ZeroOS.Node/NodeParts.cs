using ZeroOS.Engine.Admission;
using ZeroOS.Host.Clock;
using ZeroOS.Host.Machines;
using ZeroOS.Host.Network;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Attestation;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Update;

namespace ZeroOS.Node;

/// <summary>What of the node is there at one moment of its start. It never changes: each step publishes another one (<see cref="NodeOverview"/>).</summary>
internal sealed record NodeParts
{
    /// <summary>What it does, in words.</summary>
    public string Stage { get; init; } = "starting";

    /// <summary>It goes down: the store is closed under whoever still asks it.</summary>
    public bool Stopping { get; init; }

    /// <summary>Seconds from kernel start until it was ready.</summary>
    public double? ReadyAfterSeconds { get; init; }

    public StartSettings? Settings { get; init; }

    public NodeStorage? Storage { get; init; }

    public NodeIdentity? Identity { get; init; }

    public Attestor? Attestor { get; init; }

    public Uplink? Uplink { get; init; }

    public NodeClock? Clock { get; init; }

    public EngineLimits? Limits { get; init; }

    public MachineHost? Machines { get; init; }

    public Updater? Updates { get; init; }
}
