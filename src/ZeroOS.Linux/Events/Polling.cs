namespace ZeroOS.Linux;

/// <summary>poll(2) of one descriptor.</summary>
public static unsafe class Polling
{
    /// <summary>Whether a write would be taken now.</summary>
    public static bool IsWritable(FileDescriptor descriptor) => (Poll(descriptor, POLLOUT, 0) & (POLLOUT | POLLERR)) == POLLOUT;

    /// <summary>Whether there is something to read within <paramref name="timeoutMs"/>, an end of file included.</summary>
    public static bool IsReadable(FileDescriptor descriptor, int timeoutMs = 0) => Poll(descriptor, POLLIN, timeoutMs) != 0;

    private static short Poll(FileDescriptor descriptor, short interest, int timeoutMs)
    {
        pollfd p = new() { fd = descriptor.Number, events = interest };
        return poll(&p, 1, timeoutMs) > 0 ? p.revents : (short)0;
    }
}
