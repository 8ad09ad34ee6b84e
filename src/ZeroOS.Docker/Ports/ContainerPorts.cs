using ZeroOS.Client.Forwarding;

namespace ZeroOS.Docker.Ports;

/// <summary>The ports at which this computer listens for one container.</summary>
internal sealed class ContainerPorts : IAsyncDisposable
{
    private readonly IReadOnlyList<ForwardListener> _listeners;
    private readonly LazySession _session;
    private readonly CancellationTokenSource _ends = new();
    private readonly Task _taking;

    /// <summary>Takes connections at the listeners, which are its own from now on, as the session is.</summary>
    public ContainerPorts(IReadOnlyList<ForwardListener> listeners, LazySession session, Action<ForwardListener, string> complain)
    {
        (_listeners, _session) = (listeners, session);
        _taking = new PortForwarder(session.UseAsync, complain).RunAsync(listeners, _ends.Token);
    }

    /// <summary>How many there are; those that were taken are not among them.</summary>
    public int Count => _listeners.Count;

    /// <summary>Listens no more; connections break.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        foreach (ForwardListener listener in _listeners)
            listener.Dispose();
        await _taking;
        await _session.DisposeAsync();
        _ends.Dispose();
    }
}
