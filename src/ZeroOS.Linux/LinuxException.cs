namespace ZeroOS.Linux;

/// <summary>What the kernel refused: which call, on what, and why. Cold paths throw it; hot paths return an <see cref="Linux.Errno"/> instead.</summary>
public sealed class LinuxException(Errno errno, string operation, string subject)
    : IOException($"{operation} {subject}: {Explain(errno)}")
{
    /// <summary>The kernel's reason.</summary>
    public Errno Errno { get; } = errno;

    /// <summary>The system call or ioctl, by its kernel name.</summary>
    public string Operation { get; } = operation;

    /// <summary>What it was done to: a path, a device, an interface name.</summary>
    public string Subject { get; } = subject;

    private static string Explain(Errno errno) => errno switch
    {
        Errno.ENOENT => "no such file or directory (ENOENT)",
        Errno.EACCES => "permission denied (EACCES)",
        Errno.EPERM => "operation not permitted (EPERM)",
        Errno.ENOSPC => "no space left on device (ENOSPC)",
        Errno.EEXIST => "already exists (EEXIST)",
        Errno.EBUSY => "device or resource busy (EBUSY)",
        Errno.EINVAL => "invalid argument (EINVAL)",
        Errno.ENODEV => "no such device (ENODEV)",
        _ => Enum.IsDefined(errno) ? errno.ToString() : $"errno {(int)errno}",
    };
}
