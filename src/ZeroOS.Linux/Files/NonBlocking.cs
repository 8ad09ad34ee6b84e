namespace ZeroOS.Linux;

/// <summary>O_NONBLOCK of an open file, which every descriptor of it shares.</summary>
public static class NonBlocking
{
    /// <summary>Makes reads and writes return EAGAIN instead of waiting.</summary>
    public static void Set(FileDescriptor descriptor)
    {
        int flags = fcntl(descriptor.Number, F_GETFL, 0);
        if (flags < 0 || fcntl(descriptor.Number, F_SETFL, flags | O_NONBLOCK) < 0)
            throw new LinuxException(Libc.LastError, "fcntl", $"descriptor {descriptor.Number}");
    }
}
