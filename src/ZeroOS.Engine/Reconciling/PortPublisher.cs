using System.Collections.Concurrent;
using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;
using ZeroOS.Engine.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Reconciling;

/// <summary>
/// Keeps the node's published ports what the store says. They are replaced as a whole, so after a start nothing is said before every tenant's networks had
/// their turn: a list that lacks some would cut connections of machines that never stopped.
/// </summary>
internal sealed class PortPublisher(EngineStore store, INetworks networks, TimeProvider time, BackOff backOff, ILog log)
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<WorkloadId, byte> _ready = new();
    private IReadOnlyList<PortMapping>? _published;
    private bool _open;
    private int _attempt;
    private DateTimeOffset _retry;

    /// <summary>Why publishing does not work just now, or null.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The network is there: ports may lead into it.</summary>
    public void NetworkReady(WorkloadId network) => _ready[network] = 0;

    /// <summary>The network goes: no port leads into it any more when this returns.</summary>
    /// <exception cref="WorkloadException">publish-failed: some may, so the network has to stay for now.</exception>
    public void NetworkGone(WorkloadId network)
    {
        _ready.TryRemove(network, out _);
        Refresh();
        lock (_gate)
        {
            if (_published is null || _published.Any(m => m.Network == network))
                throw new WorkloadException("publish-failed", "its published ports cannot be withdrawn just now");
        }
    }

    /// <summary>From now on ports are published.</summary>
    public void Open()
    {
        lock (_gate)
            _open = true;
        Refresh();
    }

    /// <summary>Publishes if something changed. Answers when to try again, or null.</summary>
    public DateTimeOffset? Refresh()
    {
        lock (_gate)
        {
            if (!_open)
                return null;
            IReadOnlyList<PortMapping> wanted = Wanted();
            if (_published is not null && _published.SequenceEqual(wanted))
                return null;
            if (_attempt > 0 && time.GetUtcNow() < _retry)
                return _retry;
            try
            {
                networks.Publish(wanted);
                (_published, _attempt, Trouble) = (wanted, 0, null);
                return null;
            }
            catch (Exception e)
            {
                _attempt++;
                _retry = time.GetUtcNow() + backOff.After(_attempt);
                Trouble = e.Message;
                log.Warn($"event=not-published ports={wanted.Count} attempt={_attempt} message=\"{e.Message}\"");
                return _retry;
            }
        }
    }

    private List<PortMapping> Wanted()
    {
        List<PortMapping> mappings = [];
        foreach (IGrouping<(string Tenant, string Deployment), PortRow> group in store.Ports().GroupBy(p => (p.Machine.Tenant, p.Machine.Deployment)))
        {
            if (store.Deployment(group.Key.Tenant, group.Key.Deployment) is not { Deleting: false } deployment)
                continue;
            IReadOnlyList<AddressRow> addresses = store.Addresses(group.Key.Tenant, group.Key.Deployment);
            foreach (PortRow port in group)
            {
                string? outward = deployment.Content.Workloads.OfType<ZmachineWorkload>().FirstOrDefault(m => m.Name == port.Machine.Name) is { } machine
                    ? OutwardNetwork.Of(store, port.Machine, machine.Data) : null;
                AddressRow? address = addresses.FirstOrDefault(a => a.Network == outward && a.Machine == port.Machine.Name);
                if (address is null || port.Machine.Named(address.Network) is var network && !_ready.ContainsKey(network))
                    continue;
                mappings.Add(new PortMapping(port.Protocol, port.Port, network,
                    IPAddress.Parse(Ipv4Range.Text(address.Address)), port.GuestPort));
            }
        }
        return mappings;
    }
}
