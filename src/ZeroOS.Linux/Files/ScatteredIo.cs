namespace ZeroOS.Linux;

/// <summary>readv(2) and its kin: one call for a buffer in pieces. The refusal is returned; EINTR is retried.</summary>
public static unsafe class ScatteredIo
{
    /// <summary>Reads into the pieces in order.</summary>
    public static Errno TryRead(FileDescriptor file, MemoryPart* parts, int count, out long read)
    {
        do
            read = Libc.readv(file.Number, (iovec*)parts, count);
        while (read < 0 && Libc.LastError == Errno.EINTR);
        return Result(ref read);
    }

    /// <summary>Writes the pieces in order.</summary>
    public static Errno TryWrite(FileDescriptor file, MemoryPart* parts, int count, out long written)
    {
        do
            written = Libc.writev(file.Number, (iovec*)parts, count);
        while (written < 0 && Libc.LastError == Errno.EINTR);
        return Result(ref written);
    }

    /// <summary>Reads at <paramref name="offset"/> bytes.</summary>
    public static Errno TryReadAt(FileDescriptor file, MemoryPart* parts, int count, long offset, out long read)
    {
        do
            read = Libc.preadv(file.Number, (iovec*)parts, count, offset);
        while (read < 0 && Libc.LastError == Errno.EINTR);
        return Result(ref read);
    }

    /// <summary>Writes at <paramref name="offset"/> bytes.</summary>
    public static Errno TryWriteAt(FileDescriptor file, MemoryPart* parts, int count, long offset, out long written)
    {
        do
            written = Libc.pwritev(file.Number, (iovec*)parts, count, offset);
        while (written < 0 && Libc.LastError == Errno.EINTR);
        return Result(ref written);
    }

    /// <summary>fallocate(2): <paramref name="mode"/> is its FALLOC_FL bits.</summary>
    public static Errno TryAllocate(FileDescriptor file, int mode, long offset, long length) =>
        fallocate(file.Number, mode, offset, length) == 0 ? Errno.None : Libc.LastError;

    /// <summary>fdatasync(2), the refusal returned.</summary>
    public static Errno TrySyncData(FileDescriptor file) => fdatasync(file.Number) == 0 ? Errno.None : Libc.LastError;

    private static Errno Result(ref long n)
    {
        if (n >= 0)
            return Errno.None;
        n = 0;
        return Libc.LastError;
    }
}
