using System.Collections.Concurrent;

namespace ZeroOS.Engine.Store;

/// <summary>A pulse for each name that somebody waits for. There are no more of them than keys with a role on this node that ever watched.</summary>
internal sealed class PulsesByName
{
    private readonly ConcurrentDictionary<string, Pulse> _pulses = new(StringComparer.Ordinal);

    /// <summary>The pulse of a name.</summary>
    public Pulse Of(string name) => _pulses.GetOrAdd(name, static _ => new Pulse());

    /// <summary>Wakes who waits for that name.</summary>
    public void Fire(string name)
    {
        if (_pulses.TryGetValue(name, out Pulse? pulse))
            pulse.Fire();
    }
}
