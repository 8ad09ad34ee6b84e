namespace ZeroOS.Linux;

/// <summary>pipe(7).</summary>
public static unsafe class Pipe
{
    private const int O_CLOEXEC = 0x80000, O_NONBLOCK = 0x800;

    /// <summary>Makes a pipe whose two ends never block: reading nothing and writing into a full one are EAGAIN.</summary>
    public static (FileDescriptor Read, FileDescriptor Write) NonBlocking()
    {
        int* ends = stackalloc int[2];
        return Libc.pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0
            ? (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]))
            : throw new LinuxException(Libc.LastError, "pipe2", "");
    }

    /// <summary>The reading end of a pipe nobody writes to any more.</summary>
    public static FileDescriptor Ended()
    {
        (FileDescriptor read, FileDescriptor write) = NonBlocking();
        write.Dispose();
        return read;
    }
}
