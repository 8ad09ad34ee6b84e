using System.Globalization;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Linux;
using ZeroOS.Node.Bus;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Update;

namespace ZeroOS.Node;

/// <summary>
/// A node that cannot open its identity: it has a network and a bus under a key of this start alone, and touches nothing that belongs to tenants.
/// </summary>
internal sealed class RecoveryNode : IRunningNode
{
    // A TPM that failed once may work the next time; everything else that locks a node needs a person.
    private static readonly TimeSpan s_anotherTry = TimeSpan.FromMinutes(1);

    private readonly NodeContext _node;
    private readonly NodeBase _base;
    private readonly LockedState _locked;
    private readonly NodeBus _bus;

    /// <summary>Opens the bus.</summary>
    public RecoveryNode(NodeContext node, NodeBase start, LockedState locked)
    {
        (_node, _base, _locked) = (node, start, locked);
        _bus = node.Steps.Run("bus", OpenBus);
    }

    /// <inheritdoc/>
    public void Ready()
    {
        double after = KernelClock.BootTimeNs / 1e9;
        _node.Overview.Change(p => p with { ReadyAfterSeconds = after, Stage = "locked" });
        _node.Log.Warn(string.Create(CultureInfo.InvariantCulture, $"locked after {after:F2} s, bus on port {BusPort.Tcp}: {_locked.Message}"));
        NodeUpdates.LockedOnTrial(_base.Store, _base.Settings.InForce?.Owners ?? [], _locked.Message, _node.Init.Restart);
    }

    /// <inheritdoc/>
    public void HangUp() => _bus.Dispose();

    /// <inheritdoc/>
    public void Stop()
    {
        _bus.Dispose();
        _base.Store.Dispose();
    }

    private NodeBus OpenBus()
    {
        ImageRelease release = ImageRelease.Current;
        NodeIdentity who = _base.Identity;
        LockedNode commands = new(_base.Keeper, _base.Settings.InForce, _node.Log);
        NodeBus bus = new(who.Key, commands, new MemoryReplayStore(), () => new NodeDescription(release.Version.ToString(3), release.Digest, who.Tier, []),
            _node.Log, locked: _locked);
        NodeCommands.AddLocked(bus.Routes, bus.Describe, commands, new PowerHandlers(_node.Init.Restart, _node.Init.PowerOff));
        commands.Recovered += _node.StartAgain;
        if (_locked.Reason == "tpm-failed")
            _ = Task.Delay(s_anotherTry).ContinueWith(_ => _node.StartAgain(), TaskScheduler.Default);
        _base.Clock.Stepped += bus.ClockStepped;
        _node.OpenDoor(bus);
        return bus;
    }
}
