using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>The loopback interface of the current network namespace, which is down when the namespace is new.</summary>
public static unsafe class LoopbackInterface
{
    private const int SIOCSIFFLAGS = 0x8914;
    private const short IFF_UP = 1, IFF_RUNNING = 0x40;

    /// <summary>Brings it up; the kernel then gives it 127.0.0.1 and ::1.</summary>
    /// <exception cref="LinuxException">What socket(2) or ioctl(2) refused.</exception>
    public static void Up()
    {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            throw new LinuxException(Libc.LastError, "socket", "inet");
        using FileDescriptor inet = new(fd);
        ifreq request = new() { ifr_flags = IFF_UP | IFF_RUNNING };
        "lo"u8.CopyTo(new Span<byte>(request.ifr_name, 16));
        if (inet.Ioctl(SIOCSIFFLAGS, ref request) is var result && result < 0)
            throw new LinuxException((Errno)(-result), "ioctl SIOCSIFFLAGS", "lo");
    }

    /// <summary>struct ifreq as SIOCSIFFLAGS reads it (netdevice(7)).</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct ifreq
    {
        internal fixed byte ifr_name[16];
        internal short ifr_flags;
    }
}
