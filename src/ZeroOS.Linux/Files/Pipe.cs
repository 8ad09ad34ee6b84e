namespace ZeroOS.Linux;

/// <summary>A pipe(7): what is written to one end is read from the other.</summary>
public static unsafe class Pipe
{
    /// <summary>Makes one.</summary>
    /// <exception cref="LinuxException">What pipe2(2) refused.</exception>
    public static (FileDescriptor Read, FileDescriptor Write) Make() => Make(O_CLOEXEC);

    /// <summary>Makes one whose two ends never block: reading nothing and writing into a full one are EAGAIN.</summary>
    /// <exception cref="LinuxException">What pipe2(2) refused.</exception>
    public static (FileDescriptor Read, FileDescriptor Write) NonBlocking() => Make(O_CLOEXEC | O_NONBLOCK);

    /// <summary>The reading end of a pipe nobody writes to any more.</summary>
    public static FileDescriptor Ended()
    {
        (FileDescriptor read, FileDescriptor write) = Make();
        write.Dispose();
        return read;
    }

    /// <summary>Bytes that are in it now, or in a terminal, and can be read.</summary>
    public static int Waiting(FileDescriptor read)
    {
        int bytes = 0;
        return read.Ioctl((nuint)FIONREAD, ref bytes) >= 0 ? bytes : 0;
    }

    private static (FileDescriptor Read, FileDescriptor Write) Make(int flags)
    {
        int* ends = stackalloc int[2];
        return pipe2(ends, flags) == 0
            ? (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]))
            : throw new LinuxException(Libc.LastError, "pipe2", "");
    }
}
