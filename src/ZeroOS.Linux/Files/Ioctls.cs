namespace ZeroOS.Linux;

/// <summary>ioctl(2) for calls that are meant to be interrupted, which <see cref="FileDescriptor.Ioctl(nuint, nint)"/> would start again.</summary>
public static class Ioctls
{
    /// <summary>One call; EINTR is returned like every other refusal.</summary>
    public static Errno TryOnce(FileDescriptor descriptor, nuint request, nint argument) =>
        Libc.ioctl(descriptor.Number, request, argument) >= 0 ? Errno.None : Libc.LastError;
}
