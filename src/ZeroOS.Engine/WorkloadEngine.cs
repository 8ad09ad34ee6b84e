using System.Collections.Concurrent;

using ZeroOS.Bus.Gates;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Deployments;
using ZeroOS.Engine.Handlers;
using ZeroOS.Engine.Logs;
using ZeroOS.Engine.Reconciling;
using ZeroOS.Engine.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Engine;

/// <summary>
/// The workload engine: stores what tenants ask for, and keeps bringing what is closer to it, each tenant on its own. It may die at any line; the next one
/// starts from the store and from the machines that PID 1 kept running.
/// </summary>
public sealed class WorkloadEngine : IMachineEvents, IAuthority, IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(10);

    private readonly EngineParts _parts;
    private readonly EngineDependencies _dependencies;
    private readonly GrantKeeper _grants;
    private readonly ConcurrentDictionary<string, TenantReconciler> _tenants = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<TenantReconciler, byte> _working = new();
    private readonly ConcurrentBag<Task> _workers = [];
    private volatile bool _started;

    /// <summary>Puts the engine together; nothing happens before <see cref="Start"/>.</summary>
    public WorkloadEngine(EngineStore store, INetworks networks, IVolumes volumes, IImages images, IMachines machines, LogStore logs,
        EngineLimits limits, EngineDependencies dependencies, int? seed = null)
    {
        BackOff backOff = new(seed is { } s ? new Random(s) : new Random());
        PortPublisher publisher = new(store, networks, store.Time, backOff, dependencies.Log);
        _parts = new EngineParts(store, networks, volumes, images, machines, logs, limits, publisher, backOff, dependencies.Names, dependencies.Log);
        _dependencies = dependencies;
        store.WorkloadChanged = logs.Wake;
        DeploymentAdmission deployments = new(store, limits);
        _grants = new GrantKeeper(store, deployments, dependencies.ClockSynced, dependencies.Owners);
        Handlers = new EngineHandlers(
            new StatusHandlers(_parts, dependencies.Facts),
            new GrantHandlers(_parts, _grants, Wake),
            new DeploymentHandlers(_parts, deployments, Wake),
            new MachineHandlers(_parts, Wake),
            new LogHandlers(_parts, Wake, _stop.Token),
            new StatsHandlers(_parts, _stop.Token),
            new VolumeHandlers(_parts, deployments, Wake),
            new EventHandlers(_parts, dependencies.Facts, _stop.Token),
            new SessionHandlers(_parts));
    }

    /// <summary>Takes up what is stored and what runs, publishes ports, and begins to work.</summary>
    public void Start()
    {
        Prepare();
        _started = true;
        foreach (TenantReconciler tenant in _tenants.Values)
            Work(tenant);
        _workers.Add(Task.Run(TickAsync));
    }

    /// <summary>Stops working; machines go on, nothing is lost.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers).ConfigureAwait(false);
    }

    /// <summary>Who answers the engine's commands; the table of commands names them.</summary>
    public EngineHandlers Handlers { get; }

    /// <summary>Tells every owner and tenant that the node is up.</summary>
    public void AnnounceReady()
    {
        foreach (string receiver in _dependencies.Owners().Union(_parts.Store.Grantees))
            _parts.Store.AddEvent(receiver, EventKinds.NodeReady);
    }

    /// <inheritdoc/>
    public Roles RolesOf(string keyId) =>
        (_dependencies.Owners().Contains(keyId) ? Roles.Owner : Roles.None) | (_parts.Store.IsGrantee(keyId) ? Roles.Tenant : Roles.None);

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, Roles>> Known =>
        _dependencies.Owners().Concat(_parts.Store.KnownGrantees).Distinct(StringComparer.Ordinal).Select(k => KeyValuePair.Create(k, RolesOf(k)));

    /// <inheritdoc/>
    public event Action? Changed
    {
        add => _parts.Store.GranteesChanged += value;
        remove => _parts.Store.GranteesChanged -= value;
    }

    /// <inheritdoc/>
    public void Started(WorkloadId machine) => Of(machine.Tenant).Tell(new MachineEvent(machine, null));

    /// <inheritdoc/>
    public void Ended(WorkloadId machine, MachineEnd end) => Of(machine.Tenant).Tell(new MachineEvent(machine, end));

    /// <inheritdoc/>
    public void Output(WorkloadId machine, long offset, OutputStream stream, ReadOnlySpan<byte> bytes) => _parts.Logs.Append(machine, offset, stream, bytes);

    /// <inheritdoc/>
    public void Health(WorkloadId machine, GuestHealthReport report)
    {
        if (_parts.Healths.Hear(machine, report))
            Wake(machine.Tenant);
    }

    /// <inheritdoc/>
    public long OutputWantedFrom(WorkloadId machine) => _parts.Logs.WantedFrom(machine);

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    /// <summary>Everything of <see cref="Start"/> but the workers: tests drive the passes themselves.</summary>
    internal void Prepare()
    {
        if (!_parts.Logs.TakeOver(_parts.Store.Tenants.SelectMany(t => _parts.Store.Tenant(t).Workloads).Where(w => w.Type == WorkloadRow.Zmachine)
            .Select(w => w.Id)))
            _dependencies.Log.Warn("event=logs-not-taken-over message=\"the disk refuses to move what an earlier version wrote\"");
        // Running first, events after: an end in between is heard about a machine that is known to have run.
        ILookup<string, WorkloadId> running = _parts.Machines.Running.ToLookup(m => m.Tenant, StringComparer.Ordinal);
        ILookup<string, WorkloadId> ending = _parts.Machines.Ending.ToLookup(m => m.Tenant, StringComparer.Ordinal);
        foreach (string tenant in _parts.Store.Tenants.Union(running.Concat(ending).Select(g => g.Key)))
            _tenants[tenant] = new TenantReconciler(_parts, tenant, running[tenant], ending[tenant]);
        _parts.Machines.Events = this;
        foreach (TenantReconciler tenant in _tenants.Values)
            tenant.MakeFirst();
        _parts.Publisher.Open();
    }

    /// <summary>One pass of one tenant, for tests.</summary>
    internal DateTimeOffset? Pass(string tenant) => Of(tenant).Pass();

    internal GrantKeeper Grants => _grants;

    internal StopWishes StopWishes => _parts.StopWishes;

    private void Wake(string tenant) => Of(tenant).Wake();

    private TenantReconciler Of(string tenant)
    {
        if (_tenants.TryGetValue(tenant, out TenantReconciler? known))
            return known;
        TenantReconciler made = new(_parts, tenant, [], []);
        if (!_tenants.TryAdd(tenant, made))
            return _tenants[tenant];
        if (_started)
            Work(made);
        return made;
    }

    private void Work(TenantReconciler tenant)
    {
        // A tenant that appears while the engine starts may get here twice.
        if (_working.TryAdd(tenant, 0))
            _workers.Add(Task.Run(() => WorkAsync(tenant)));
    }

    private async Task WorkAsync(TenantReconciler tenant)
    {
        int failures = 0;
        TimeSpan wait = TimeSpan.Zero;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await tenant.Wanted.WaitAsync(wait, _stop.Token).ConfigureAwait(false);
                DateTimeOffset? due = tenant.Pass();
                failures = 0;
                wait = due is { } at ? Clamp(at - _parts.Time.GetUtcNow()) : Timeout.InfiniteTimeSpan;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The reconciler is one of the four places that catch everything: the store refuses, or we are wrong; either way it is tried again.
                failures++;
                wait = _parts.BackOff.After(failures);
                _dependencies.Log.Error($"event=pass-failed tenant={tenant.Tenant} attempt={failures} error={e.GetType().Name} message=\"{e.Message}\"");
            }
        }
    }

    private async Task TickAsync()
    {
        using PeriodicTimer timer = new(s_tick);
        long last = Environment.TickCount64;
        while (true)
        {
            try
            {
                if (!await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                    return;
                long now = Environment.TickCount64;
                long seconds = (now - last) / 1000;
                last += seconds * 1000;
                foreach (string tenant in _grants.Tick(seconds))
                    Wake(tenant);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                _dependencies.Log.Error($"event=grants-not-counted error={e.GetType().Name} message=\"{e.Message}\"");
            }
        }
    }

    /// <summary>Between a tenth of a second and a minute: a clock that was stepped must not make anything wait for ever, nor spin.</summary>
    private static TimeSpan Clamp(TimeSpan wait) =>
        wait < TimeSpan.FromMilliseconds(100) ? TimeSpan.FromMilliseconds(100) : wait > BackOff.Longest ? BackOff.Longest : wait;
}
