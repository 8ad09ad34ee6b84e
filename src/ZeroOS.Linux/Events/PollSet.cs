namespace ZeroOS.Linux;

/// <summary>
/// Descriptors that one thread waits for together, named anew before each wait (poll(2)): one that is left out costs nothing, not even by its end. Not
/// thread-safe.
/// </summary>
/// <param name="capacity">Descriptors at most.</param>
public sealed unsafe class PollSet(int capacity)
{
    private readonly pollfd[] _entries = new pollfd[capacity];
    private int _count;

    /// <summary>Names nobody.</summary>
    public void Clear() => _count = 0;

    /// <summary>Names one, and returns its place. Errors and hang-ups are waited for whatever the interest.</summary>
    public int Add(FileDescriptor descriptor, Readiness interest)
    {
        _entries[_count] = new() { fd = descriptor.Number, events = (short)interest };
        return _count++;
    }

    /// <summary>Waits until one of them is ready, at most <paramref name="timeoutMs"/> (-1: for ever) and never beyond a signal.</summary>
    public void Wait(int timeoutMs)
    {
        fixed (pollfd* p = _entries)
        {
            if (Libc.poll(p, (uint)_count, timeoutMs) >= 0)
                return;
            for (int i = 0; i < _count; i++)
                p[i].revents = 0;
        }
    }

    /// <summary>What the one at this place was ready for after the last wait.</summary>
    public Readiness this[int place] => (Readiness)(ushort)_entries[place].revents;
}
