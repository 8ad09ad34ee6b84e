namespace ZeroOS.Linux;

/// <summary>getrandom(2): random bytes without /dev, which an empty root does not have.</summary>
public static unsafe class KernelRandom
{
    /// <summary>Fills <paramref name="length"/> bytes at <paramref name="buffer"/>; waits only before the kernel's pool is first seeded.</summary>
    public static bool TryFill(byte* buffer, nuint length)
    {
        while (length > 0)
        {
            nint n = Libc.getrandom(buffer, length, 0);
            if (n <= 0)
            {
                if (Libc.LastError == Errno.EINTR)
                    continue;
                return false;
            }
            buffer += n;
            length -= (nuint)n;
        }
        return true;
    }
}
