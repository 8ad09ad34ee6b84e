using ZeroOS.Linux;

namespace ZeroOS.Vmm.Events;

/// <summary>
/// The one thread all device work is done on: waits for descriptors, calls whoever they belong to. Only <see cref="Stop"/> may be called from other threads.
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly EventFd _stop = new();
    private readonly (ulong Token, Readiness Ready)[] _ready = new (ulong, Readiness)[64];
    private Slot[] _slots = new Slot[64];
    private int _next;
    private uint _generation;
    private volatile bool _stopped;

    /// <summary>An empty loop.</summary>
    public EventLoop() => _epoll.Add(_stop.Descriptor, Readiness.Readable, ulong.MaxValue);

    /// <summary>How often the loop woke up.</summary>
    public long Wakeups { get; private set; }

    /// <summary>Watches a descriptor and returns the handle for <see cref="Change"/> and <see cref="Remove"/>.</summary>
    public int Add(FileDescriptor descriptor, Readiness interest, IEventSource source, int tag)
    {
        int slot = Take();
        // The generation keeps an event of the same batch from reaching whoever gets this slot next.
        _slots[slot] = new Slot(descriptor, source, tag, ++_generation);
        try
        {
            _epoll.Add(descriptor, interest, Token(slot));
        }
        catch (LinuxException)
        {
            _slots[slot] = default;
            throw;
        }
        return slot;
    }

    /// <summary>Changes what a descriptor is watched for.</summary>
    public void Change(int slot, Readiness interest) => _epoll.Change(_slots[slot].Descriptor!, interest, Token(slot));

    /// <summary>Forgets a descriptor; before it is closed.</summary>
    public void Remove(int slot)
    {
        _epoll.Remove(_slots[slot].Descriptor!);
        _slots[slot] = default;
    }

    /// <summary>Waits and calls until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (!_stopped)
            Turn(-1);
    }

    /// <summary>One wait of at most <paramref name="timeoutMs"/> and its calls; false when nothing was ready.</summary>
    public bool Turn(int timeoutMs)
    {
        int n = _epoll.Wait(_ready, timeoutMs);
        Wakeups++;
        for (int i = 0; i < n && !_stopped; i++)
        {
            (ulong token, Readiness ready) = _ready[i];
            uint slot = (uint)token;
            if (token != ulong.MaxValue && _slots[slot] is { Source: { } source } s && s.Generation == (uint)(token >> 32))
                source.OnReady(s.Tag, ready);
        }
        return n > 0;
    }

    /// <summary>Ends <see cref="Run"/>; from any thread.</summary>
    public void Stop()
    {
        _stopped = true;
        _stop.Signal();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _epoll.Dispose();
        _stop.Dispose();
    }

    private ulong Token(int slot) => ((ulong)_slots[slot].Generation << 32) | (uint)slot;

    private int Take()
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            _next = (_next + 1) % _slots.Length;
            if (_slots[_next].Source == null)
                return _next;
        }
        _next = _slots.Length;
        Array.Resize(ref _slots, _slots.Length * 2);
        return _next;
    }

    private readonly record struct Slot(FileDescriptor? Descriptor, IEventSource? Source, int Tag, uint Generation);
}
