namespace ZeroOS.Linux;

/// <summary>What a descriptor is ready for (epoll_ctl(2)).</summary>
[Flags]
public enum Readiness : uint
{
    None = 0, Readable = 1, Priority = 2, Writable = 4, Error = 8, HangUp = 0x10, PeerClosed = 0x2000, EdgeTriggered = 0x80000000, OneShot = 0x40000000,
}

/// <summary>An epoll(7) set: one thread waits for many descriptors, each known by a token. Level-triggered unless asked otherwise.</summary>
public sealed unsafe class Epoll : IDisposable
{
    private readonly FileDescriptor _descriptor;

    /// <summary>Makes an empty set.</summary>
    public Epoll()
    {
        int fd = epoll_create1(EPOLL_CLOEXEC);
        _descriptor = fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "epoll_create1", "");
    }

    /// <summary>Adds a descriptor under <paramref name="token"/>.</summary>
    public void Add(FileDescriptor descriptor, Readiness interest, ulong token) => Control(EPOLL_CTL_ADD, descriptor, interest, token);

    /// <summary>Changes what an added descriptor is watched for.</summary>
    public void Change(FileDescriptor descriptor, Readiness interest, ulong token) => Control(EPOLL_CTL_MOD, descriptor, interest, token);

    /// <summary>Forgets a descriptor; call it before closing.</summary>
    public void Remove(FileDescriptor descriptor) => Control(EPOLL_CTL_DEL, descriptor, Readiness.None, 0);

    /// <summary>Waits up to <paramref name="timeoutMs"/> (-1: for ever) and fills <paramref name="ready"/>; returns how many. A signal returns 0.</summary>
    public int Wait(Span<(ulong Token, Readiness Ready)> ready, int timeoutMs)
    {
        epoll_event* events = stackalloc epoll_event[Math.Min(ready.Length, 64)];
        int n = epoll_wait(_descriptor.Number, events, Math.Min(ready.Length, 64), timeoutMs);
        if (n < 0 && Libc.LastError != Errno.EINTR)
            throw new LinuxException(Libc.LastError, "epoll_wait", "");
        for (int i = 0; i < n; i++)
            ready[i] = (events[i].data.u64, (Readiness)events[i].events);
        return Math.Max(n, 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private void Control(int operation, FileDescriptor descriptor, Readiness interest, ulong token)
    {
        epoll_event e = new() { events = (int)interest, data = new epoll_data_t { u64 = token } };
        if (epoll_ctl(_descriptor.Number, operation, descriptor.Number, &e) < 0)
            throw new LinuxException(Libc.LastError, "epoll_ctl", $"descriptor {descriptor.Number}");
    }
}
