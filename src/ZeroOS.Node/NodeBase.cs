using System.Net;

using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Engine.Store;
using ZeroOS.Host.Clock;
using ZeroOS.Host.Network;
using ZeroOS.Host.Storage;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Node.Update;

namespace ZeroOS.Node;

/// <summary>What every start of the role has, a locked node's too. The steps are in the order of the lines.</summary>
internal sealed class NodeBase
{
    private readonly NodeContext _node;

    /// <summary>Runs the steps.</summary>
    /// <exception cref="StartFailedException">One of them failed.</exception>
    public NodeBase(NodeContext node)
    {
        _node = node;
        NodeOverview overview = node.Overview;
        Settings = node.Steps.Run("settings", () => StartSettings.Read(node.Log));
        (Storage, Store) = node.Steps.Run("storage", OpenStorage);              // claims an empty disk only when settings will be in force
        overview.Change(p => p with { Storage = Storage });
        Decision = node.Steps.Run("farm", DecideFarm);                          // from here on settings are in force, or none
        Settings = StartSettings.Of(Decision, node.Log);
        overview.Change(p => p with { Settings = Settings });
        (Keeper, Identity, Ledger) = node.Steps.Run("identity", LoadIdentity);
        overview.Change(p => p with { Identity = Identity });
        (Uplink, Networks) = node.Steps.Run("uplink", StartUplink);             // waits for nothing: addresses come when they come
        overview.Change(p => p with { Uplink = Uplink });
        Clock = node.Steps.Run("clock", StartClock);                            // nor does anything wait for the time
        overview.Change(p => p with { Clock = Clock });
    }

    /// <summary>The farm's settings, or why there are none.</summary>
    public StartSettings Settings { get; }

    /// <summary>How they came to be in force.</summary>
    public FarmDecision Decision { get; }

    /// <summary>The node's disks, or memory instead of them.</summary>
    public NodeStorage Storage { get; }

    /// <summary>The database.</summary>
    public EngineStore Store { get; }

    /// <summary>Who keeps the seed.</summary>
    public IdentityKeeper Keeper { get; }

    /// <summary>What must never go back; null while the node is locked.</summary>
    public LedgerStore? Ledger { get; }

    /// <summary>Who the node is on this start.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>The way out.</summary>
    public Uplink Uplink { get; }

    /// <summary>Tenants' networks, and the firewall.</summary>
    public Networks Networks { get; }

    /// <summary>The time.</summary>
    public NodeClock Clock { get; }

    private (NodeStorage Storage, EngineStore Store) OpenStorage()
    {
        NodeStorage storage = NodeStorage.Open(pool => new FarmPin(pool, NodeUpdates.OnTrial).MayClaim(Settings.Farm), NodeMemory.TotalBytes / 2,
            NodeUpdates.OnTrial, _node.Log);
        EngineStore store = MirroredState.Open(storage);
        return (storage, store);
    }

    private FarmDecision DecideFarm() => new FarmPin(Storage.Pool, NodeUpdates.OnTrial).Decide(Settings.Farm, Settings.Trouble, Store.FarmVersionSeen);

    private (IdentityKeeper Keeper, NodeIdentity Identity, LedgerStore? Ledger) LoadIdentity()
    {
        SealingMeans means = SealingMeans.OfThisStart();
        IdentityKeeper keeper = new(Storage.Pool, Storage.Persistent, Settings.InForce, means, _node.Log, NodeUpdates.OnTrial)
        {
            Ledger = new CountedLedger(Storage.Pool),
            OtherFarm = Decision.Locked ? Decision.Trouble?.Message : null,
        };
        NodeIdentity identity = keeper.Open();
        LedgerStore? ledger = null;
        if (identity.Locked is null)
        {
            if (identity.Counter is null)
                means.Dispose();    // a locked node needs the TPM again, to seal what comes back; and a ledger that is counted needs it at each change
            ledger = KeepFarm(identity);
        }
        _node.Log.Info(identity.Locked is { } locked ? $"node id: {identity.Key.Id.Text} for this start alone; locked is {locked.NodeId}"
            : $"node id: {identity.Key.Id.Text} tier={identity.Tier}");
        return (keeper, identity, ledger);
    }

    /// <summary>Pins what is in force; owners and tenants hear of a change.</summary>
    private LedgerStore KeepFarm(NodeIdentity node)
    {
        LedgerStore ledger = new(Storage.Pool, node.Key, node.Counter, (disk, why) => Storage.State.Strike(disk.StateDirectory, why));
        bool changed = new FarmPin(Storage.Pool, NodeUpdates.OnTrial).Keep(ledger, Decision);
        if (Settings.InForce is not { } farm)
            return ledger;
        if (!Storage.Persistent)
            _node.Log.Warn("event=farm-pinned-for-this-boot there is no disk: the next boot takes whatever settings it finds");
        _ = Store.SeeFarmVersion(farm.Version);     // an earlier ZeroOS, which may come back, goes by it
        if (changed || Decision.Waiting is not null)
            Store.TellFarm(farm.Owners, changed ? "changed" : "waiting",
                changed ? $"version {farm.Version} of the farm's settings is in force" : Decision.Trouble!.Value.Message);
        return ledger;
    }

    private (Uplink Uplink, Networks Networks) StartUplink()
    {
        Uplink uplink = new(Storage.StateDirectory, "/etc/resolv.conf", _node.Log);
        Networks networks = new(uplink, Storage.Names, new FirewallGroups(Jails.FetchGroup, Jails.DoorGroup), NodeMemory.TotalBytes, _node.Log);
        networks.AllowFetch([.. (Settings.InForce?.Registries.Values ?? []).Select(RegistryAddress).OfType<IPEndPoint>()]);
        uplink.Changed += _ => _node.Screen.Look();
        uplink.Start();
        return (uplink, networks);
    }

    private NodeClock StartClock()
    {
        NodeClock clock = new(Storage.StateDirectory, ImageRelease.Current.Made, TimeServers, _node.Log);
        clock.Start();
        Uplink.Changed += _ => clock.Kick();
        return clock;
    }

    /// <summary>The farm's time servers, or those the network names, or well-known ones.</summary>
    private IReadOnlyList<string> TimeServers() => Settings.InForce is { TimeServers.Count: > 0 } settings ? settings.TimeServers
        : Uplink.Current.TimeServers is { Count: > 0 } named ? [.. named.Select(a => a.ToString())] : NodeClock.WellKnown;

    private static IPEndPoint? RegistryAddress(FarmRegistry registry) =>
        Uri.TryCreate(registry.Url, UriKind.Absolute, out Uri? url) && IPAddress.TryParse(url.Host, out IPAddress? address)
        ? new IPEndPoint(address, url.Port) : null;
}
