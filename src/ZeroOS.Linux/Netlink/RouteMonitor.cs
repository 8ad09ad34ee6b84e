namespace ZeroOS.Linux.Netlink;

/// <summary>Says when links, addresses or routes of its namespace change. What changed is not told: readers look anew, so a lost event costs nothing.</summary>
public sealed class RouteMonitor : IDisposable
{
    private const uint RTMGRP_LINK = 1, RTMGRP_IPV4_IFADDR = 0x10, RTMGRP_IPV4_ROUTE = 0x40, RTMGRP_IPV6_IFADDR = 0x100, RTMGRP_IPV6_ROUTE = 0x400,
        RTMGRP_IPV6_IFINFO = 0x800, ND_USEROPT = 1u << 19;
    private readonly NetlinkSocket _socket = new(NetlinkProtocol.Route,
        RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE | RTMGRP_IPV6_IFINFO | ND_USEROPT);
    private readonly byte[] _buffer = new byte[65536];

    /// <summary>Readable when something changed.</summary>
    public FileDescriptor Descriptor => _socket.Descriptor;

    /// <summary>Takes all waiting events; true if there were any. Resolvers that routers advertise go to <paramref name="resolvers"/>.</summary>
    public bool Drain(List<RouterResolvers> resolvers)
    {
        bool any = false;
        while (true)
        {
            Errno errno = _socket.TryReceive(_buffer, out int length);
            if (errno is Errno.EAGAIN)
                return any;
            any = true;
            if (errno is not Errno.None)
            {
                // ENOBUFS: events were lost, and the next call goes on with what is left.
                if (errno is Errno.ENOBUFS or Errno.EMSGSIZE)
                    continue;
                throw new LinuxException(errno, "receive", "netlink events");
            }
            NetlinkReader reader = new(_buffer.AsSpan(0, length));
            while (reader.TryNext(out NetlinkMessage message))
            {
                if (RouterResolvers.TryRead(message, out RouterResolvers found))
                    resolvers.Add(found);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
