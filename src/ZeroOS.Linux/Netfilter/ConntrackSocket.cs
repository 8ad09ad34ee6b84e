using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>The connections that one network namespace remembers, over NETLINK_NETFILTER (ctnetlink; needs CONFIG_NF_CT_NETLINK). IPv4 only.</summary>
public sealed class ConntrackSocket : IDisposable
{
    internal const int NFNL_SUBSYS_CTNETLINK = 1, IPCTNL_MSG_CT_NEW = 0;
    private const int IPCTNL_MSG_CT_GET = 1, IPCTNL_MSG_CT_DELETE = 2, CTA_TUPLE_ORIG = 1, CTA_ID = 12;
    private const byte AF_INET = 2;
    private const ushort NestedBit = 0x8000;
    private readonly NetlinkSocket _socket = new(NetlinkProtocol.Netfilter);

    /// <summary>Every connection that fits.</summary>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public IReadOnlyList<ConntrackEntry> List(ConntrackMatch match) => _socket.Dump<ConntrackEntry>(() =>
    {
        NetlinkWriter writer = Request(IPCTNL_MSG_CT_GET, NetlinkFlags.Request | NetlinkFlags.Dump);
        match.Write(writer);
        return writer;
    }, ConntrackEntry.TryRead, "connections").FindAll(match.Fits);

    /// <summary>
    /// Makes the kernel forget every connection that fits: its next packet meets the rules as a first one does. One that ends meanwhile is no error.
    /// </summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    public int Forget(ConntrackMatch match)
    {
        IReadOnlyList<ConntrackEntry> found = List(match);
        foreach (ConntrackEntry entry in found)
            Forget(entry);
        return found.Count;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Forget(ConntrackEntry entry)
    {
        NetlinkWriter writer = Request(IPCTNL_MSG_CT_DELETE, NetlinkFlags.Request | NetlinkFlags.Ack)
            .Attribute(CTA_TUPLE_ORIG | NestedBit, entry.Original.Span);
        // The same addresses may belong to a new connection by now: the number says which one is meant.
        if (entry.Id.Length > 0)
            writer.Attribute(CTA_ID, entry.Id.Span);
        try
        {
            _socket.Execute(writer, "forget connection", $"{entry.Source} to {entry.Destination}");
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            // It ended by itself.
        }
    }

    private static NetlinkWriter Request(int operation, NetlinkFlags flags) =>
        new NetlinkWriter().Begin((NFNL_SUBSYS_CTNETLINK << 8) | operation, flags).Fixed([AF_INET, 0, 0, 0]);
}
