using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>nftables of one network namespace, over NETLINK_NETFILTER.</summary>
public sealed class NftSocket : IDisposable
{
    private readonly NetlinkSocket _socket = new(NetlinkProtocol.Netfilter);

    /// <summary>Replaces tables by these in one transaction: packets meet the old rules or the new ones, never neither.</summary>
    /// <exception cref="LinuxException">What the kernel refused; nothing changed then.</exception>
    public void Replace(params IReadOnlyList<NftTable> tables)
    {
        NftBatch batch = new();
        foreach (NftTable table in tables)
            batch.Replace(table);
        NetlinkWriter writer = batch.Finish(out int acknowledged);
        _socket.Commit(writer, acknowledged, "nftables", string.Join(", ", tables.Select(t => $"{t.Family} {t.Name}".ToLowerInvariant())));
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
