namespace ZeroOS.Linux;

/// <summary>A pipe(7): what is written to one end is read from the other.</summary>
public static unsafe class Pipe
{
    private const int O_CLOEXEC = 0x80000;

    /// <summary>Makes one.</summary>
    /// <exception cref="LinuxException">What pipe2(2) refused.</exception>
    public static (FileDescriptor Read, FileDescriptor Write) Make()
    {
        int* ends = stackalloc int[2];
        return Libc.pipe2(ends, O_CLOEXEC) == 0
            ? (new FileDescriptor(ends[0]), new FileDescriptor(ends[1]))
            : throw new LinuxException(Libc.LastError, "pipe2", "");
    }
}
