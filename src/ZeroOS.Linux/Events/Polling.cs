namespace ZeroOS.Linux;

/// <summary>poll(2) of a few descriptors.</summary>
public static unsafe class Polling
{
    /// <summary>Whether a write would be taken within <paramref name="timeoutMs"/>; -1: however long it takes.</summary>
    public static bool IsWritable(FileDescriptor descriptor, int timeoutMs = 0) =>
        (Poll(descriptor, POLLOUT, timeoutMs) & (POLLOUT | POLLERR)) == POLLOUT;

    /// <summary>Whether there is something to read within <paramref name="timeoutMs"/>, an end of file included.</summary>
    public static bool IsReadable(FileDescriptor descriptor, int timeoutMs = 0) => Poll(descriptor, POLLIN, timeoutMs) != 0;

    /// <summary>Whether a dial that was begun has an outcome within <paramref name="timeoutMs"/>, good or bad.</summary>
    public static bool IsAnswered(FileDescriptor descriptor, int timeoutMs) => Poll(descriptor, POLLOUT, timeoutMs) != 0;

    /// <summary>
    /// Waits until one of <paramref name="readable"/> has something to read or <paramref name="writable"/> takes a write, ends and errors included, at most
    /// <paramref name="timeoutMs"/> (-1: for ever) and never beyond a signal. One that is null is not waited for. Which it was, a call that does not block
    /// finds out.
    /// </summary>
    public static void WaitForAny(ReadOnlySpan<FileDescriptor?> readable, FileDescriptor? writable, int timeoutMs)
    {
        pollfd* p = stackalloc pollfd[readable.Length + 1];
        for (int i = 0; i < readable.Length; i++)
            p[i] = new() { fd = readable[i]?.Number ?? -1, events = POLLIN };
        p[readable.Length] = new() { fd = writable?.Number ?? -1, events = POLLOUT };
        _ = Libc.poll(p, (uint)readable.Length + 1, timeoutMs);
    }

    // A signal, as the runtime sends to its own threads, is neither an answer nor the end of the time.
    private static short Poll(FileDescriptor descriptor, short interest, int timeoutMs)
    {
        pollfd p = new() { fd = descriptor.Number, events = interest };
        long until = Environment.TickCount64 + timeoutMs;
        int count;
        while ((count = Libc.poll(&p, 1, timeoutMs)) < 0 && Libc.LastError == Errno.EINTR)
            timeoutMs = timeoutMs < 0 ? timeoutMs : (int)Math.Max(until - Environment.TickCount64, 0);
        return count > 0 ? p.revents : (short)0;
    }
}
