using System.Buffers.Binary;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>One nftables transaction as netlink messages (linux/netfilter/nf_tables.h).</summary>
internal sealed class NftBatch
{
    private const int NFNL_SUBSYS_NFTABLES = 10, NFNL_MSG_BATCH_BEGIN = 0x10, NFNL_MSG_BATCH_END = 0x11;
    private const int NFT_MSG_NEWTABLE = 0, NFT_MSG_DELTABLE = 2, NFT_MSG_NEWCHAIN = 3, NFT_MSG_NEWRULE = 6, NFT_MSG_NEWSET = 9, NFT_MSG_NEWSETELEM = 12;
    private const int NFT_SET_INTERVAL = 4, NFT_SET_TIMEOUT = 16, NFT_SET_EVAL = 32, NFT_SET_ELEM_INTERVAL_END = 1, NF_ACCEPT = 1;
    private readonly NetlinkWriter _writer = new();
    private int _setId;

    internal NftBatch() => _writer.Begin(NFNL_MSG_BATCH_BEGIN, NetlinkFlags.Request).Fixed([0, 0, 0, NFNL_SUBSYS_NFTABLES]);

    /// <summary>Deletes the table, there or not, and makes it anew.</summary>
    internal void Replace(NftTable table)
    {
        // Deleting what is not there fails, making what is there does not.
        Table(NFT_MSG_NEWTABLE, table);
        Table(NFT_MSG_DELTABLE, table);
        Table(NFT_MSG_NEWTABLE, table);
        foreach (NftSet set in table.Sets)
            Set(table, set);
        foreach (NftChain chain in table.Chains)
            Chain(table, chain);
        foreach (NftChain chain in table.Chains)
        {
            foreach (NftRule rule in chain.Rules)
                Rule(table, chain, rule);
            // The kernel gives a chain the policy "drop" only when the whole transaction is done (nft_chain_commit_drop_policy), and takes the old chain away
            // before: for a moment what passes all rules would be accepted. A rule counts from the same moment as all the others.
            if (chain.Drop)
                Rule(table, chain, new NftRule().Drop());
        }
    }

    /// <summary>Closes the batch. <paramref name="acknowledged"/> is the number of the message whose answer ends it: the kernel answers in order.</summary>
    internal NetlinkWriter Finish(out int acknowledged)
    {
        acknowledged = _writer.Messages.Count - 1;
        // One acknowledgement for all keeps a large rule set from overflowing the receive buffer; refusals are always sent.
        int last = _writer.Messages[^1];
        Span<byte> flags = _writer.Bytes[(last + 6)..];
        BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | (ushort)NetlinkFlags.Ack));
        return _writer.Begin(NFNL_MSG_BATCH_END, NetlinkFlags.Request).Fixed([0, 0, 0, NFNL_SUBSYS_NFTABLES]);
    }

    private void Table(int operation, NftTable table) =>
        Message(operation, table.Family, operation == NFT_MSG_NEWTABLE ? NetlinkFlags.Create : NetlinkFlags.None).Text(1, table.Name).U32Big(2, 0);

    private void Set(NftTable table, NftSet set)
    {
        uint id = (uint)++_setId;
        uint flags = (set.IsInterval ? NFT_SET_INTERVAL : 0u) | (set.DynamicSize > 0 ? NFT_SET_EVAL : 0u) | (set.Timeout is null ? 0u : NFT_SET_TIMEOUT);
        NetlinkWriter made = Message(NFT_MSG_NEWSET, table.Family, NetlinkFlags.Create).Text(1, table.Name).Text(2, set.Name).U32Big(3, flags)
            .U32Big(4, (uint)set.KeyType).U32Big(5, (uint)set.KeyBytes).U32Big(10, id)
            // For the nft tool only: numbers in keys are big-endian (2), but a name is not a number (1).
            .Attribute(13, [0, 4, set.IsNumber ? (byte)2 : (byte)1, 0, 0, 0]);
        if (set.DynamicSize > 0)
            made.Nest(9, description => description.U32Big(1, (uint)set.DynamicSize));
        if (set.Timeout is { } timeout)
            made.U64Big(11, (ulong)timeout.TotalMilliseconds);
        // A netlink attribute ends at 64 KiB, and one message of elements is one attribute.
        foreach ((byte[] Key, bool IsEnd)[] part in set.Elements.Chunk(1024))
        {
            Message(NFT_MSG_NEWSETELEM, table.Family, NetlinkFlags.Create).Text(1, table.Name).Text(2, set.Name).U32Big(4, id).Nest(3, list =>
            {
                foreach ((byte[] key, bool isEnd) in part)
                {
                    list.Nest(1, element =>
                    {
                        element.Nest(1, data => data.Attribute(1, key));
                        if (isEnd)
                            element.U32Big(3, NFT_SET_ELEM_INTERVAL_END);
                    });
                }
            });
        }
    }

    private void Rule(NftTable table, NftChain chain, NftRule rule) =>
        Message(NFT_MSG_NEWRULE, table.Family, NetlinkFlags.Create | NetlinkFlags.Append)
        .Text(1, table.Name).Text(2, chain.Name).Nest(4, list => rule.Write(list, table.Family));

    private void Chain(NftTable table, NftChain chain)
    {
        NetlinkWriter message = Message(NFT_MSG_NEWCHAIN, table.Family, NetlinkFlags.Create).Text(1, table.Name).Text(3, chain.Name);
        if (chain.Type is { } type)
            message.Nest(4, hook => hook.U32Big(1, (uint)chain.Hook).U32Big(2, (uint)chain.Priority)).U32Big(5, chain.Drop ? 0u : NF_ACCEPT).Text(7, type);
    }

    private NetlinkWriter Message(int operation, NftFamily family, NetlinkFlags flags) =>
        _writer.Begin((NFNL_SUBSYS_NFTABLES << 8) | operation, NetlinkFlags.Request | flags).Fixed([(byte)family, 0, 0, 0]);
}
