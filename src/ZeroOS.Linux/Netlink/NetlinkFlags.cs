namespace ZeroOS.Linux.Netlink;

/// <summary>Flags of a netlink message (linux/netlink.h); the meaning of the upper byte depends on the request.</summary>
[Flags]
public enum NetlinkFlags : ushort
{
    None = 0, Request = 1, Multi = 2, Ack = 4, Echo = 8, DumpInterrupted = 0x10, DumpFiltered = 0x20,
    Root = 0x100, Match = 0x200, Dump = 0x300,
    Replace = 0x100, Exclusive = 0x200, Create = 0x400, Append = 0x800,
    Capped = 0x100, AckAttributes = 0x200,
}

/// <summary>Which part of the kernel a netlink socket speaks to.</summary>
public enum NetlinkProtocol
{
    /// <summary>Links, addresses, routes, neighbours.</summary>
    Route = 0,

    /// <summary>nftables.</summary>
    Netfilter = 12,
}
