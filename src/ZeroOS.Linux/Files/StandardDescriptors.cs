namespace ZeroOS.Linux;

/// <summary>Descriptors 0, 1 and 2.</summary>
public static class StandardDescriptors
{
    /// <summary>A duplicate of one of the three; null when that one is closed.</summary>
    public static FileDescriptor? Duplicate(int number)
    {
        FileDescriptor standard = new(number);
        try
        {
            return standard.Duplicate();
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
