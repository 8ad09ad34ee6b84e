using System.Collections.Frozen;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Update;

namespace ZeroOS.Node;

/// <summary>Who the node is, and what it does while it cannot prove it.</summary>
internal sealed partial class NodeRole
{
    // A TPM that failed once may work the next time; everything else that locks a node needs a person.
    private static readonly TimeSpan s_anotherTry = TimeSpan.FromMinutes(1);

    // A locked node has a network and a bus of its own, and touches nothing that belongs to tenants.
    private static readonly FrozenSet<string> s_lockedSteps = FrozenSet.Create("settings", "storage", "identity", "uplink", "clock", "bus");

    private readonly ManualResetEventSlim _again = new();
    private IdentityKeeper _keeper = null!;
    private NodeIdentity _who = new(null!, "open", null);

    private void LoadIdentity()
    {
        SealingMeans means = SealingMeans.OfThisStart();
        _keeper = new IdentityKeeper(_storage.Pool, _storage.Persistent, _settings, means, _log.Info, onTrial: NodeUpdates.Boot.Kind == BootKind.Trial);
        _who = _keeper.Open();
        _identity = _who.Key;
        if (_who.Locked is null)
            means.Dispose();    // a locked node needs the TPM again, to seal what comes back
        _log.Info(_who.Locked is LockedState locked ? $"node id: {_identity.Id.Text} for this start alone; locked is {locked.NodeId}" : $"node id: {_identity.Id.Text} tier={_who.Tier}");
    }

    private void OpenLockedBus(LockedState locked)
    {
        ImageRelease release = ImageRelease.Current;
        LockedNode node = new(_keeper, _settings, _log.Info);
        _bus = new NodeBus(_identity, node, new MemorySeen(), () => new NodeDescription(release.Version.ToString(3), release.Digest, _who.Tier, []), _log.Warn, locked: locked);
        NodeCommands.AddLocked(_bus.Routes, _bus.Describe, node, new PowerHandlers(_init.Restart, _init.PowerOff));
        node.Recovered += _again.Set;
        if (locked.Reason == "tpm-failed")
            _ = Task.Delay(s_anotherTry).ContinueWith(_ => _again.Set(), TaskScheduler.Default);
        _clock.Stepped += _bus.ClockStepped;
        OpenDoor();
    }
}
