using System.Buffers.Binary;
using System.Net;

using Xunit;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Tests.Linux.Netlink;

public sealed class NetlinkCodecTests
{
    [Fact]
    public void A_message_with_nested_and_odd_attributes_has_the_bytes_of_rfc_3549()
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(16, NetlinkFlags.Request | NetlinkFlags.Ack).Fixed([1, 2, 3, 4])
            .Text(3, "br0").Nest(18, inside => inside.Attribute(1, [0xAA, 0xBB, 0xCC]).U32(2, 7));

        Assert.Equal("30000000" + "1000" + "0500" + "00000000" + "00000000" + "01020304"
            + "0800" + "0300" + "62723000"
            + "1400" + "1280" + "07000100AABBCC00" + "0800020007000000", Convert.ToHexString(writer.Bytes));
    }

    [Fact]
    public void A_batch_reads_back_message_by_message()
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(20, NetlinkFlags.Request).Fixed([9]).Begin(21, NetlinkFlags.Ack).Text(1, "x");
        NetlinkReader reader = new(writer.Bytes);

        Assert.True(reader.TryNext(out NetlinkMessage first));
        Assert.Equal((20, 4), (first.Type, first.Body.Length));
        Assert.True(reader.TryNext(out NetlinkMessage second));
        AttributeReader attributes = new(second.Body);
        Assert.True(attributes.TryNext(out int type, out ReadOnlySpan<byte> value));
        Assert.Equal((1, "x"), (type, AttributeReader.Text(value)));
        Assert.False(attributes.TryNext(out _, out _));
        Assert.False(reader.TryNext(out _));
    }

    [Fact]
    public void A_link_is_read_with_its_kind_and_its_burnt_in_address()
    {
        byte[] head = new byte[16];
        head[2] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(4), 5);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), 1);
        NetlinkReader reader = new(new NetlinkWriter().Begin(16, NetlinkFlags.None).Fixed(head).Text(3, "eth7").Attribute(1, [2, 0, 0, 0, 0, 1])
            .Attribute(54, [2, 0, 0, 0, 0, 9]).Attribute(33, [1]).U32(4, 1500).Nest(18, i => i.Text(1, "veth")).Bytes);

        Assert.True(reader.TryNext(out NetlinkMessage message));
        Assert.True(Link.TryRead(message, out Link link));
        Assert.Equal(new Link
        {
            Index = 5,
            Name = "eth7",
            Kind = "veth",
            IsEthernet = true,
            IsUp = true,
            HasCarrier = true,
            Mtu = 1500,
            Mac = MacAddress.Parse("02:00:00:00:00:01"),
            PermanentMac = MacAddress.Parse("02:00:00:00:00:09"),
        }, link);
    }

    [Fact]
    public void A_refusal_carries_the_kernels_sentence_whether_or_not_the_request_is_repeated()
    {
        foreach (bool capped in new[] { true, false })
        {
            byte[] original = new byte[20];
            BinaryPrimitives.WriteInt32LittleEndian(original, 20);
            byte[] body = [.. BitConverter.GetBytes(-22), .. capped ? original[..16] : original];
            NetlinkWriter writer = new NetlinkWriter().Begin(2, NetlinkFlags.AckAttributes | (capped ? NetlinkFlags.Capped : NetlinkFlags.None))
                .Fixed(body).Text(1, "no such thing");
            NetlinkReader reader = new(writer.Bytes);
            Assert.True(reader.TryNext(out NetlinkMessage message));
            Assert.Equal("no such thing", NetlinkSocket.ExtendedText(message));
        }
    }

    [Fact]
    public void Resolvers_of_a_router_advertisement_are_read()
    {
        byte[] head = new byte[16];
        head[0] = 10;
        head[2] = 24;
        head[4] = 3;
        byte[] option = [25, 3, 0, 0, 0, 0, 0x07, 0x08, .. IPAddress.Parse("fd00::53").GetAddressBytes()];
        NetlinkReader reader = new(new NetlinkWriter().Begin(68, NetlinkFlags.None).Fixed([.. head, .. option]).Bytes);
        Assert.True(reader.TryNext(out NetlinkMessage message));
        Assert.True(RouterResolvers.TryRead(message, out RouterResolvers found));
        Assert.Equal((3, 1800u, "fd00::53"), (found.Link, found.LifetimeSeconds, Assert.Single(found.Addresses).ToString()));
    }

    [Fact]
    public void Ten_thousand_broken_datagrams_are_read_without_an_exception()
    {
        byte[] head = new byte[16];
        head[4] = 1;
        byte[] good = new NetlinkWriter()
            .Begin(16, NetlinkFlags.None).Fixed(head).Text(3, "eth0").Attribute(1, new byte[6]).Nest(18, i => i.Text(1, "veth")).U32(4, 1500)
            .Begin(20, NetlinkFlags.None).Fixed([2, 24, 0, 0, 1, 0, 0, 0]).Attribute(2, [10, 0, 0, 1]).Attribute(1, [10, 0, 0, 1])
            .Begin(24, NetlinkFlags.None).Fixed([2, 8, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]).Attribute(1, [10, 1, 1, 1]).Attribute(5, [10, 0, 0, 2]).U32(4, 1)
            .Begin(28, NetlinkFlags.None).Fixed([2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]).Attribute(1, [10, 0, 0, 2]).Attribute(2, new byte[6])
            .Begin(2, NetlinkFlags.AckAttributes).Fixed(new byte[20]).Text(1, "why")
            .Begin(68, NetlinkFlags.None).Fixed([10, 0, 24, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 3, 0, 0, 0, 0, 7, 8])
            .Fixed(new byte[16]).Bytes.ToArray();
        Random random = new(20261122);
        int read = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = [.. good.AsSpan(0, random.Next(8) == 0 ? random.Next(good.Length) : good.Length)];
            for (int change = random.Next(1, 6); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            NetlinkReader reader = new(bytes);
            while (reader.TryNext(out NetlinkMessage message))
            {
                read += Link.TryRead(message, out _) | InterfaceAddress.TryRead(message, out _) | Route.TryRead(message, out _)
                    | Neighbor.TryRead(message, out _)
                    | RouterResolvers.TryRead(message, out _) ? 1 : 0;
                _ = NetlinkSocket.ExtendedText(message);
            }
        }
        Assert.True(read > 10_000, $"only {read} messages survived: the mutations are too coarse to test anything");
    }

    [Theory]
    [InlineData("10.1.2.3", 8, "10.0.0.0/8", "10.255.255.255")]
    [InlineData("10.1.2.3", 32, "10.1.2.3/32", "10.1.2.3")]
    [InlineData("2001:db8::5", 64, "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff")]
    public void A_prefix_is_cut_and_has_a_last_address(string address, int length, string prefix, string last)
    {
        IPNetwork network = Prefixes.Truncate(IPAddress.Parse(address), length);
        Assert.Equal(prefix, network.ToString());
        Assert.Equal(last, Prefixes.Last(network).ToString());
    }
}
