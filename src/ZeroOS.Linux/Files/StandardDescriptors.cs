namespace ZeroOS.Linux;

/// <summary>Descriptors 0, 1 and 2.</summary>
public static class StandardDescriptors
{
    /// <summary>A duplicate of one of the three; null when this process was started without it.</summary>
    public static FileDescriptor? Duplicate(int number)
    {
        FileDescriptor standard = new(number);
        try
        {
            // What execve(2) left open has no such flag; what has it, the runtime has opened in the place of a closed one.
            return (fcntl(number, F_GETFD) & FD_CLOEXEC) == 0 ? standard.Duplicate() : null;
        }
        catch (LinuxException)
        {
            return null;
        }
        finally
        {
            standard.SetHandleAsInvalid();      // it is everybody's
        }
    }

    /// <summary>Makes one of the three, for this process and the program that it becomes, a duplicate of <paramref name="source"/>.</summary>
    /// <exception cref="LinuxException">What dup2(2) refused.</exception>
    public static void Set(int number, FileDescriptor source)
    {
        if (dup2(source.Number, number) < 0)
            throw new LinuxException(Libc.LastError, "dup2", $"descriptor {number}");
    }

    /// <summary>Opens /dev/null into those of the three that are closed, so that no file of ours ever becomes somebody's standard output.</summary>
    public static void Fill()
    {
        while (true)
        {
            FileDescriptor? lowest = FileDescriptor.TryOpen("/dev/null", OpenFlags.ReadWrite, 0, out _);
            if (lowest is null || lowest.Number > 2)
            {
                lowest?.Dispose();
                return;
            }
            // It stays open for good: the number, not the object, is what matters.
            lowest.SetHandleAsInvalid();
        }
    }
}
