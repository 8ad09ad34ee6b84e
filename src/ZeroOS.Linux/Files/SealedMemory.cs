namespace ZeroOS.Linux;

/// <summary>
/// A memfd that nobody can change any more (memfd_create(2), F_ADD_SEALS): how bytes that do not fit a message travel beside it. The receiver trusts only what
/// it checked: the seals, which only a memfd has, and the size.
/// </summary>
public static class SealedMemory
{
    private static int Seals => F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

    /// <summary>Makes one that holds <paramref name="bytes"/>.</summary>
    /// <exception cref="LinuxException">No memory, or no descriptor left.</exception>
    public static FileDescriptor Create(string name, ReadOnlySpan<byte> bytes)
    {
        FileDescriptor file = FileDescriptor.Memory(name, canSeal: true);
        try
        {
            file.WriteAt(bytes, 0);
            return fcntl(file.Number, F_ADD_SEALS, Seals) == 0 ? file : throw new LinuxException(Libc.LastError, "fcntl(F_ADD_SEALS)", name);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads all of one that must be exactly as long as <paramref name="bytes"/>; false when it is not, or not sealed. Never waits for anybody.
    /// </summary>
    public static bool TryRead(FileDescriptor file, Span<byte> bytes)
    {
        int seals = fcntl(file.Number, F_GET_SEALS, 0);
        if (seals < 0 || (seals & Seals) != Seals || file.Length != bytes.Length)
            return false;
        for (int at = 0; at < bytes.Length;)
        {
            if (file.TryReadAt(bytes[at..], at, out int read) != Errno.None || read == 0)
                return false;
            at += read;
        }
        return true;
    }
}
