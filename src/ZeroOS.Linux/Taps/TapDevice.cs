using System.Runtime.InteropServices;
using System.Text;

namespace ZeroOS.Linux.Taps;

/// <summary>
/// A TAP interface (tuntap): Ethernet frames, each behind a virtio_net_hdr of <see cref="HeaderBytes"/> bytes. Offloads are the monitor's to set.
/// </summary>
public static unsafe class TapDevice
{
    /// <summary>Bytes of struct virtio_net_hdr_v1 before each frame.</summary>
    public const int HeaderBytes = 12;

    private const short IFF_TAP = 2, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;
    private const nuint TUNSETIFF = 0x400454ca, TUNSETPERSIST = 0x400454cb, TUNSETOWNER = 0x400454cc, TUNSETVNETHDRSZ = 0x400454d8;

    /// <summary>
    /// Opens the tap of that name in the calling thread's network namespace, making it if there is none. It stays when the descriptor is closed, until its link
    /// is deleted.
    /// </summary>
    /// <param name="name">At most 15 bytes.</param>
    /// <param name="ownerUid">User who may open it too without CAP_NET_ADMIN, or null.</param>
    /// <returns>The tap, or null when somebody holds it open: it is live, and was not touched.</returns>
    public static FileDescriptor? TryOpen(string name, int? ownerUid = null)
    {
        FileDescriptor tap = FileDescriptor.Open("/dev/net/tun", OpenFlags.ReadWrite | OpenFlags.NonBlocking);
        ifreq request = default;
        byte[] text = Encoding.ASCII.GetBytes(name);
        // SAFETY: the name field holds 16 bytes; a longer name is cut to 15 and a zero.
        text.AsSpan(0, Math.Min(text.Length, 15)).CopyTo(new Span<byte>(request.ifr_name, 16));
        request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
        int result = tap.Ioctl(TUNSETIFF, ref request);
        if (result == -(int)Errno.EBUSY)
        {
            tap.Dispose();
            return null;
        }
        Check(result, tap, "TUNSETIFF", name);
        int headerBytes = HeaderBytes;
        Check(tap.Ioctl(TUNSETVNETHDRSZ, ref headerBytes), tap, "TUNSETVNETHDRSZ", name);
        if (ownerUid is { } uid)
            Check(tap.Ioctl(TUNSETOWNER, uid), tap, "TUNSETOWNER", name);
        Check(tap.Ioctl(TUNSETPERSIST, 1), tap, "TUNSETPERSIST", name);
        return tap;
    }

    private static void Check(int result, FileDescriptor tap, string operation, string name)
    {
        if (result >= 0)
            return;
        tap.Dispose();
        throw new LinuxException((Errno)(-result), operation, name);
    }

    /// <summary>struct ifreq, as far as TUNSETIFF looks.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct ifreq
    {
        internal fixed byte ifr_name[16];
        internal short ifr_flags;
    }
}
