using System.Net;

using Xunit;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Host.Network.Dhcp;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Tests.Host.Network;

public sealed class DhcpCodecTests
{
    private static readonly MacAddress s_mac = MacAddress.Parse("52:54:00:12:34:56");

    [Fact]
    public void A_frame_carries_a_message_with_right_checksums_and_only_to_the_client()
    {
        byte[] packet = DhcpFrame.Write(IPAddress.Any, [1, 2, 3]);
        Assert.Equal("4500001F0000000040117ACF00000000FFFFFFFF" + "00440043000B", Convert.ToHexString(packet.AsSpan(0, 26)));
        Assert.False(DhcpFrame.TryRead(packet, out _));
        packet[21] = 67;
        packet[23] = 68;
        Assert.True(DhcpFrame.TryRead(packet, out ReadOnlySpan<byte> message));
        Assert.Equal([1, 2, 3], message.ToArray());
        packet[6] = 0x20;
        Assert.False(DhcpFrame.TryRead(packet, out _), "a fragment");
    }

    [Fact]
    public void Classless_routes_replace_the_router_option()
    {
        DhcpMessage message = Ack().With(DhcpOption.Router, 10, 0, 0, 1).With(DhcpOption.ClasslessRoutes, 0, 10, 0, 0, 254, 8, 172, 10, 0, 0, 253, 24,
            192, 168, 9, 0, 0, 0, 0);
        Assert.True(DhcpLease.TryRead(message, default, out DhcpLease lease));
        Assert.Equal("10.0.0.254", $"{lease.Gateway}");
        Assert.Equal([(IPNetwork.Parse("172.0.0.0/8"), IPAddress.Parse("10.0.0.253")), (IPNetwork.Parse("192.168.9.0/24"), null)], lease.Routes);
    }

    [Theory]
    [InlineData(new byte[] { 32, 100, 64, 0, 1, 10, 0, 0, 66 })] // one tenant's end of a cable
    [InlineData(new byte[] { 10, 100, 64, 10, 0, 0, 66 })]
    [InlineData(new byte[] { 8, 100, 10, 0, 0, 66 })]
    [InlineData(new byte[] { 8, 127, 10, 0, 0, 66 })]
    public void A_route_of_a_lease_over_the_cables_or_the_loopback_is_passed_over(byte[] route)
    {
        Assert.True(DhcpLease.TryRead(Ack().With(DhcpOption.ClasslessRoutes, [.. route, 24, 192, 168, 9, 0, 0, 0, 0]), default, out DhcpLease lease));
        Assert.Equal([(IPNetwork.Parse("192.168.9.0/24"), null)], lease.Routes);
    }

    [Fact]
    public void A_lease_without_times_lasts_half_an_hour_and_nonsense_times_are_put_right()
    {
        Assert.True(DhcpLease.TryRead(Ack(), default, out DhcpLease lease));
        Assert.Equal((TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(26.25)), (lease.Duration, lease.RenewAfter, lease.RebindAfter));
        Assert.True(DhcpLease.TryRead(Ack().With(DhcpOption.LeaseTime, 0, 0, 0, 1).With(DhcpOption.RenewalTime, 255, 0, 0, 0)
            .With(DhcpOption.RebindingTime, 255, 0, 0, 0), default, out lease));
        Assert.True(lease.RenewAfter <= lease.RebindAfter && lease.RebindAfter < lease.Duration);
        Assert.True(DhcpLease.TryRead(Ack().With(DhcpOption.LeaseTime, 255, 255, 255, 255), default, out lease));
        Assert.Null(lease.Duration);
    }

    [Theory]
    [InlineData("0.0.0.0", "255.255.255.0")]
    [InlineData("127.0.0.1", "255.255.255.0")]
    [InlineData("224.0.0.1", "255.255.255.0")]
    [InlineData("255.255.255.255", "255.255.255.0")]
    [InlineData("10.0.0.9", "255.0.255.0")]
    [InlineData("10.0.0.9", "0.0.0.0")]
    public void A_lease_that_no_card_can_have_is_refused(string address, string mask) =>
        Assert.False(DhcpLease.TryRead(Ack(address).With(DhcpOption.SubnetMask, IPAddress.Parse(mask).GetAddressBytes()), default, out _));

    [Fact]
    public void An_arp_answer_of_another_is_told_from_ones_own()
    {
        IPAddress address = IPAddress.Parse("10.0.0.9");
        byte[] answer = [0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 7, 10, 0, 0, 9, .. new byte[10]];
        Assert.True(ArpMessage.IsFromOther(answer, address, s_mac));
        Assert.False(ArpMessage.IsFromOther(answer, IPAddress.Parse("10.0.0.8"), s_mac));
        Assert.False(ArpMessage.IsFromOther(answer, address, MacAddress.Parse("02:00:00:00:00:07")));
        Assert.False(ArpMessage.IsFromOther(ArpMessage.Probe(s_mac, address), address, MacAddress.Parse("02:00:00:00:00:07")), "a probe claims nothing");
    }

    [Fact]
    public void Ten_thousand_broken_packets_are_read_without_an_exception()
    {
        byte[] message = Ack().With(DhcpOption.Overload, 3).With(DhcpOption.Router, 10, 0, 0, 1)
            .With(DhcpOption.Resolver, 10, 0, 0, 3, 10, 0, 0, 4).With(DhcpOption.LeaseTime, 0, 0, 14, 16)
            .With(DhcpOption.ClasslessRoutes, 0, 10, 0, 0, 254, 8, 172, 10, 0, 0, 253)
            .With(DhcpOption.Mtu, 5, 220).With(DhcpOption.ServerId, 10, 0, 0, 1).Write();
        byte[] packet = DhcpFrame.Write(IPAddress.Parse("10.0.0.1"), message);
        packet[21] = 67;
        packet[23] = 68;
        Random random = new(31);
        int leases = 0;
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = [.. packet.AsSpan(0, random.Next(6) == 0 ? random.Next(packet.Length) : packet.Length)];
            for (int change = random.Next(1, 5); change > 0 && bytes.Length > 28; change--)
                bytes[random.Next(3) == 0 ? random.Next(bytes.Length) : random.Next(28, bytes.Length)] = (byte)random.Next(256);
            _ = ArpMessage.IsFromOther(bytes, IPAddress.Loopback, s_mac);
            if (DhcpFrame.TryRead(bytes, out ReadOnlySpan<byte> inside) && DhcpMessage.TryRead(inside, out DhcpMessage read)
                && DhcpLease.TryRead(read, inside.ToArray(), out DhcpLease lease))
            {
                leases++;
                Assert.True(lease.RenewAfter <= lease.RebindAfter && (lease.Duration is null || lease.RebindAfter < lease.Duration)
                    && lease.Resolvers.Count <= 4);
            }
        }
        Assert.InRange(leases, 1000, 9999);
    }

    private static DhcpMessage Ack(string address = "10.0.0.9") =>
        new DhcpMessage { IsReply = true, YourAddress = IPAddress.Parse(address), Hardware = s_mac.ToBytes() }
        .With(DhcpOption.Type, 5).With(DhcpOption.ServerId, 10, 0, 0, 1).With(DhcpOption.SubnetMask, 255, 255, 255, 0);
}
