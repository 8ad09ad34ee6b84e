using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Farm;

namespace ZeroOS.Node.Disks;

/// <summary>What orders about disks need of the rest of the node.</summary>
internal sealed record DiskDependencies
{
    /// <summary>Whom an order must name.</summary>
    public required KeyId Node { get; init; }

    /// <summary>Whose the node is now; null without settings.</summary>
    public required Func<FarmSettings?> Settings { get; init; }

    /// <summary>Whether time servers agree with the clock.</summary>
    public required Func<bool> ClockSynced { get; init; }

    /// <summary>The running version is on trial.</summary>
    public required bool OnTrial { get; init; }

    /// <summary>Where orders that were carried out are remembered.</summary>
    public required LedgerStore Ledger { get; init; }

    /// <summary>The computer's disks.</summary>
    public required NodeDisks Disks { get; init; }

    /// <summary>How many guest disks lie in memory, because the node has no disk.</summary>
    public required Func<int> InMemory { get; init; }

    /// <summary>A disk is the node's now, and waits for the node to start again.</summary>
    public required Action Claimed { get; init; }
}
