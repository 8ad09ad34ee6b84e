using System.Buffers.Binary;
using System.Net;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Linux.Netfilter;

/// <summary>
/// The kernel's expressions that the words of a rule are made of. All integers are in network byte order; register 1 carries what is looked at.
/// </summary>
public sealed partial class NftRule
{
    private const int Register = 1, VerdictRegister = 0;
    private const uint CompareEqual = 0, CompareNotEqual = 1, CompareAtMost = 3, CompareAtLeast = 5;

    private NftRule Ipv4() => Protocol(ProtoIpv4);

    private NftRule Ipv6() => Protocol(ProtoIpv6);

    private NftRule Protocol(byte protocol)
    {
        // A bridge has no IP protocol in the packet's state: there the EtherType was matched before.
        if (_nfproto == protocol || _etherType != 0)
            return this;
        _nfproto = protocol;
        return Meta(MetaNfproto).Compare([protocol]);
    }

    private NftRule L4(byte protocol)
    {
        if (_l4 == protocol)
            return this;
        _l4 = protocol;
        return Meta(MetaL4Proto).Compare([protocol]);
    }

    private NftRule Port(int offset, int port) => Payload(TransportHeader, offset, 2).Compare(Big(port));

    private NftRule Ports(int offset, int first, int last) =>
        Payload(TransportHeader, offset, 2).Append("cmp", e => Comparison(e, CompareAtLeast, Big(first)))
        .Append("cmp", e => Comparison(e, CompareAtMost, Big(last)));

    private NftRule Counted(NftKey key, NftSet set, bool update, string counter, Action<NetlinkWriter> data)
    {
        const uint OperationAdd = 0, OperationUpdate = 1;
        _ = key switch
        {
            NftKey.InputLink => Meta(MetaInputName),
            NftKey.OutputLink => Meta(MetaOutputName),
            NftKey.Source4 => Ipv4().Payload(NetworkHeader, 12, 4),
            NftKey.Source6Network => Ipv6().Payload(NetworkHeader, 8, 16).Mask([255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]),
            _ => Ipv4().Payload(NetworkHeader, 16, 4),
        };
        return Append("dynset",
            e => e.Text(1, set.Name).U32Big(3, update ? OperationUpdate : OperationAdd).U32Big(4, Register).Nest(7, one => one.Text(1, counter).Nest(2, data)));
    }

    private NftRule Address(int offset, IPNetwork prefix)
    {
        byte[] address = prefix.BaseAddress.GetAddressBytes();
        Payload(NetworkHeader, offset, address.Length);
        if (prefix.PrefixLength == address.Length * 8)
            return Compare(address);
        byte[] mask = new byte[address.Length];
        for (int bit = 0; bit < prefix.PrefixLength; bit++)
            mask[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return Mask(mask).Compare(address);
    }

    private NftRule Conntrack(uint key, uint bits)
    {
        byte[] mask = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(mask, bits);
        return Append("ct", e => e.U32Big(1, Register).U32Big(2, key)).Mask(mask).Compare(new byte[4], equal: false);
    }

    private NftRule DestinationType(bool equal, uint type)
    {
        const uint ResultAddressType = 3, FlagDestination = 2;
        byte[] value = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(value, type);
        return Append("fib", e => e.U32Big(1, Register).U32Big(2, ResultAddressType).U32Big(3, FlagDestination)).Compare(value, equal);
    }

    private NftRule Meta(uint key) => Append("meta", e => e.U32Big(2, key).U32Big(1, Register));

    private NftRule Payload(uint header, int offset, int bytes) =>
        Append("payload", e => e.U32Big(1, Register).U32Big(2, header).U32Big(3, (uint)offset).U32Big(4, (uint)bytes));

    private NftRule Compare(byte[] value, bool equal = true) => Append("cmp", e => Comparison(e, equal ? CompareEqual : CompareNotEqual, value));

    private static void Comparison(NetlinkWriter writer, uint operation, byte[] value) =>
        writer.U32Big(1, Register).U32Big(2, operation).Nest(3, data => data.Attribute(1, value));

    private static byte[] Big(int port) => [(byte)(port >> 8), (byte)port];

    private NftRule Mask(byte[] mask) => Append("bitwise", e => e.U32Big(1, Register).U32Big(2, Register).U32Big(3, (uint)mask.Length)
        .Nest(4, data => data.Attribute(1, mask)).Nest(5, data => data.Attribute(1, new byte[mask.Length])));

    private NftRule Lookup(NftSet set) => Append("lookup", e => e.Text(1, set.Name).U32Big(2, Register));

    private NftRule Immediate(uint register, byte[] value) => Append("immediate", e => e.U32Big(1, register).Nest(2, data => data.Attribute(1, value)));

    private NftRule Verdict(int code, string? chain = null) => Append("immediate", e => e.U32Big(1, VerdictRegister).Nest(2, data => data.Nest(2, verdict =>
    {
        verdict.U32Big(1, (uint)code);
        if (chain is not null)
            verdict.Text(2, chain);
    })));

    private NftRule Append(string name, Action<NetlinkWriter> data)
    {
        _expressions.Add(list => list.Nest(1, element => element.Text(1, name).Nest(2, data)));
        return this;
    }
}
