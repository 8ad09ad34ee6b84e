namespace ZeroOS.Linux;

/// <summary>An eventfd(2): a 64-bit counter one side adds to and the other waits for. Non-blocking.</summary>
public sealed unsafe class EventFd : IDisposable
{
    /// <summary>Makes a counter at 0.</summary>
    public EventFd()
    {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        Descriptor = fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "eventfd", "");
    }

    /// <summary>The descriptor, to poll or to hand to the kernel (irqfd, ioeventfd).</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Adds one; never blocks and never fails for a live counter.</summary>
    public void Signal()
    {
        ulong one = 1;
        _ = Descriptor.TryWrite(new ReadOnlySpan<byte>(&one, sizeof(ulong)), out _);
    }

    /// <summary>Takes the count and sets it to 0; 0 when nobody signalled.</summary>
    public ulong Take()
    {
        ulong count = 0;
        return Descriptor.TryRead(new Span<byte>(&count, sizeof(ulong)), out int n) == Errno.None && n == sizeof(ulong) ? count : 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
