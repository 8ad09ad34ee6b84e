using System.Net;
using System.Net.Sockets;

using ZeroOS.Bus.Client;
using ZeroOS.Client;
using ZeroOS.Client.Forwarding;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Ports;

/// <summary>
/// Ports of this computer that lead to containers, as long as they run and this program does: each TCP port that the node publishes, at the same number of the
/// loopback, and those that are of this computer alone. A container that is started here has its ports before; others get theirs when they are seen to run.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="mirror">What runs there.</param>
/// <param name="changes">Keeps ports that were chosen anew.</param>
/// <param name="complain">Told what does not work and nobody waits for, as sentences that may be foreign.</param>
internal sealed class PortListeners(NodePool node, Mirror mirror, Changes changes, Action<string> complain)
{
    /// <summary>Ports at once, of all containers.</summary>
    public const int Most = 256;

    /// <summary>Sessions at once: an eighth of those that a key has on a node.</summary>
    public const int MostSessions = 32;

    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ContainerPorts> _open = new(StringComparer.Ordinal);
    private readonly List<string> _starting = [];
    private readonly SemaphoreSlim _sessions = new(MostSessions), _looking = new(1);
    private int _holds;

    /// <summary>Looks after each change, until it is cancelled; then it listens nowhere.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                Task changed = mirror.Changed;
                try
                {
                    await LookAsync();
                }
                catch (Exception e) when (e is BusErrorException or BusTransportException or SpoofedReplyException or ClientException)
                {
                    // the next change is another occasion
                }
                await changed.WaitAsync(cancellation);
            }
        }
        finally
        {
            ContainerPorts[] all;
            lock (_lock)
            {
                all = [.. _open.Values];
                _open.Clear();
            }
            await CloseAsync(all);
        }
    }

    /// <summary>Listens for a container that is about to be started, until <see cref="Release"/>; from then on it has to run.</summary>
    /// <exception cref="DockerFault">500: a port of this computer alone is taken.</exception>
    public async Task HoldAsync(Container container, CancellationToken cancellation)
    {
        lock (_lock)
        {
            _starting.Add(container.Id);
            _holds++;
        }
        await LookAsync();      // what has ended by now is in nobody's way
        IReadOnlyList<LocalPort> local;
        lock (_lock)
        {
            if (_open.ContainsKey(container.Id))
                return;
            local = Open(container, isStart: true);
        }
        if (local.SequenceEqual(container.Notes.Local))
            return;
        await changes.ApplyAsync(container.Id, now => now.Deployment with { Annotations = (now.Notes with { Local = local }).Write() }, cancellation);
    }

    /// <summary>The start is over, however it went.</summary>
    public void Release(Container container)
    {
        lock (_lock)
        {
            _starting.Remove(container.Id);
            _holds++;
            if (!_open.ContainsKey(container.Id))
                return;
        }
        mirror.Touch();
    }

    /// <summary>Listens for what runs. When it returns, the ports of what has ended are free.</summary>
    public async Task LookAsync()
    {
        await _looking.WaitAsync();
        try
        {
            await CloseAsync(await CompareAsync());
        }
        finally
        {
            _looking.Release();
        }
    }

    // Opens what is missing. The answer is what is over.
    private async Task<IReadOnlyList<ContainerPorts>> CompareAsync()
    {
        while (true)
        {
            int holds;
            lock (_lock)
                holds = _holds;
            IReadOnlyList<Container> containers = await mirror.ContainersAsync();
            lock (_lock)
            {
                // What was seen may be older than a start that has begun or ended meanwhile.
                if (holds == _holds)
                    return Compare(containers);
            }
        }
    }

    private List<ContainerPorts> Compare(IReadOnlyList<Container> containers)
    {
        List<ContainerPorts> over = [];
        foreach (string id in _open.Keys.Except(_starting).ToArray())
        {
            if (containers.FirstOrDefault(c => c.Id == id) is null or { IsAtRest: true } && _open.Remove(id, out ContainerPorts? ports))
                over.Add(ports);
        }
        foreach (Container container in containers.Where(c => c.IsRunning && !_open.ContainsKey(c.Id)))
            Open(container, isStart: false);
        return over;
    }

    // With the lock held. The answer is the container's own ports as they are now.
    private IReadOnlyList<LocalPort> Open(Container container, bool isStart)
    {
        IEnumerable<PublishedPort> published = container.Machine.Data.Publish.Where(p => p.Protocol == PortProtocol.Tcp);
        if (!published.Any() && container.Notes.Local.Count == 0)
            return [];
        List<ForwardListener> listeners = [];
        List<LocalPort> local = [];
        try
        {
            foreach (PublishedPort port in published)
                Add(new LocalPort(port.Guest, new IPEndPoint(IPAddress.Loopback, port.Host), IsAny: false), isNeeded: false);
            foreach (LocalPort port in container.Notes.Local)
                local.Add(port with { Local = Add(port, isNeeded: isStart) });
        }
        catch (DockerFault)
        {
            listeners.ForEach(l => l.Dispose());
            throw;
        }
        _open.Add(container.Id, new ContainerPorts(listeners, new LazySession(node, container.Address, _sessions, s_idle),
            (listener, why) => complain($"container {container.Name}: {listener.Local}: {why}")));
        return local;

        IPEndPoint Add(LocalPort port, bool isNeeded)
        {
            string why;
            try
            {
                if (_open.Values.Sum(p => p.Count) + listeners.Count < Most)
                {
                    listeners.Add(Listen(port, mayChoose: isNeeded));
                    return listeners[^1].Local;
                }
                why = $"zos docker listens at {Most} ports at once, the most there are";
            }
            catch (SocketException e)
            {
                why = Why(e);
            }
            if (isNeeded)
            {
                throw new DockerFault(500, $"driver failed programming external connectivity on endpoint {container.Name}: failed to bind host port for "
                    + $"{port.Local}:{port.Guest}/tcp: {why}");
            }
            complain($"container {container.Name}: port {port.Guest} is not at {port.Local} of this computer: {why}");
            return port.Local;
        }
    }

    private static ForwardListener Listen(LocalPort port, bool mayChoose)
    {
        try
        {
            return ForwardListener.Open(port.Local, port.Guest);
        }
        catch (SocketException e) when (mayChoose && port.IsAny && e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return ForwardListener.Open(new IPEndPoint(port.Local.Address, 0), port.Guest);
        }
    }

    // Clients take the words of Linux for a program that may not be executed.
    private static string Why(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "address already in use",
        SocketError.AccessDenied => "it needs more rights than those of zos docker",
        _ => e.Message,
    };

    private static Task CloseAsync(IEnumerable<ContainerPorts> ports) => Task.WhenAll(ports.Select(p => p.DisposeAsync().AsTask()));
}
