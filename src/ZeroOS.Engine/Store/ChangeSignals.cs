using System.Collections.Concurrent;

namespace ZeroOS.Engine.Store;

/// <summary>A signal for each name that somebody waits for. There are no more of them than keys with a role on this node that ever watched.</summary>
internal sealed class ChangeSignals
{
    private readonly ConcurrentDictionary<string, ChangeSignal> _signals = new(StringComparer.Ordinal);

    /// <summary>The signal of a name.</summary>
    public ChangeSignal Of(string name) => _signals.GetOrAdd(name, static _ => new ChangeSignal());

    /// <summary>Wakes who waits for that name.</summary>
    public void Fire(string name)
    {
        if (_signals.TryGetValue(name, out ChangeSignal? signal))
            signal.Fire();
    }
}
