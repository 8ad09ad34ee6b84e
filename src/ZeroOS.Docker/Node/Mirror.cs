using System.Collections.Concurrent;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Node;

/// <summary>
/// What the tenant has on the node, as last seen: asked for once, and again only after an event of the node or a change of ours. One stream of events feeds it,
/// so whoever waits for something costs the node nothing.
/// </summary>
internal sealed class Mirror(NodePool node)
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, RunTimes> _times = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task<DeploymentList>? _last;
    private bool _watches;
    private long _number;

    /// <summary>Told each event of the node, in its order.</summary>
    public event Action<NodeEvent>? Told;

    /// <summary>Completes at the next change; taken before one looks, nothing is missed.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock)
                return _changed.Task;
        }
    }

    /// <summary>Follows the node's events until it is cancelled, or the node is gone for minutes.</summary>
    /// <exception cref="Client.ClientException">The node did not come back.</exception>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        EventsWatch watch = new() { New = true, Follow = true };
        await foreach (NodeEvent one in node.ReadAsync(n => n.EventsAsync(watch, cancellation), cancellation))
        {
            // At the beginning and after each break: what happened meanwhile.
            if (one.Kind == EventKinds.Watching)
            {
                await foreach (NodeEvent missed in node.ReadAsync(n => n.EventsAsync(new EventsWatch { After = _number }, cancellation), cancellation))
                    Take(missed, isNew: _watches);
                _watches = true;
            }
            else
            {
                Take(one, isNew: true);
            }
            Touch();
        }
    }

    /// <summary>Something changed, or may have: the node is asked anew, and who waits looks.</summary>
    public void Touch()
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _last = null;
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        changed.TrySetResult();
    }

    /// <summary>All of the tenant's deployments.</summary>
    public async Task<IReadOnlyList<DeploymentStatus>> DeploymentsAsync()
    {
        Task<DeploymentList> asked;
        lock (_lock)
        {
            if (_last is { IsFaulted: true } or { IsCanceled: true })
                _last = null;
            asked = _last ?? node.AskAsync(n => n.DeploymentsAsync(CancellationToken.None));
            if (_watches)
                _last = asked;      // without events nobody would say that it is old
        }
        return (await asked).Deployments;
    }

    /// <summary>All containers, the newest first.</summary>
    public async Task<IReadOnlyList<Container>> ContainersAsync() =>
        [.. (await DeploymentsAsync()).Select(d => Container.Of(d, Times)).OfType<Container>().OrderByDescending(c => c.Notes.Created)];

    /// <summary>The container that a name, an id or the beginning of an id means.</summary>
    /// <exception cref="DockerFault">404: none; 400: several.</exception>
    public async Task<Container> FindAsync(string name)
    {
        IReadOnlyList<Container> all = await ContainersAsync();
        string plain = name.TrimStart('/');
        if (all.FirstOrDefault(c => c.Id == plain) is { } known)
            return known;
        if (all.FirstOrDefault(c => c.Name == plain) is { } named)
            return named;
        return all.Where(c => plain.Length > 0 && c.Id.StartsWith(plain, StringComparison.Ordinal)).Take(2).ToArray() switch
        {
            [Container one] => one,
            [] => throw DockerFault.Missing($"No such container: {name}"),
            _ => throw DockerFault.Bad($"Multiple IDs found with provided prefix: {name}"),
        };
    }

    /// <summary>
    /// Returns what <paramref name="done"/> makes of a container, as soon as that is something; it is given null when the container is gone.
    /// </summary>
    public Task<T> UntilAsync<T>(string id, Func<Container?, T?> done, CancellationToken cancellation) where T : class =>
        UntilAsync(id, done, Timeout.InfiniteTimeSpan, cancellation);

    /// <summary>As above, and asks <paramref name="done"/> again after each <paramref name="pause"/> in which nothing changes.</summary>
    public async Task<T> UntilAsync<T>(string id, Func<Container?, T?> done, TimeSpan pause, CancellationToken cancellation) where T : class
    {
        while (true)
        {
            Task changed = Changed;
            if (done((await ContainersAsync()).FirstOrDefault(c => c.Id == id)) is { } result)
                return result;
            try
            {
                await changed.WaitAsync(pause, cancellation);
            }
            catch (TimeoutException)
            {
                // time has passed, which may be what is waited for
            }
        }
    }

    private RunTimes Times(string deployment) => _times.GetValueOrDefault(deployment);

    private void Take(NodeEvent one, bool isNew)
    {
        if (one.Number <= _number)
            return;
        _number = one.Number;
        if (one is { Deployment: { } name, Workload: Container.MachineName, State: { } state })
        {
            RunTimes times = Times(name);
            _times[name] = state switch
            {
                WorkloadState.Running => times with { Started = one.Time },
                WorkloadState.Exited or WorkloadState.Stopped or WorkloadState.Failed or WorkloadState.BackingOff => times with { Ended = one.Time },
                _ => times,
            };
        }
        if (isNew)
            Told?.Invoke(one);
    }
}
