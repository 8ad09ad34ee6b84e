using System.Net;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Host.Clock;
using ZeroOS.Host.Network.Dhcp;
using ZeroOS.Linux.Netfilter;
using ZeroOS.Linux.Netlink;
using ZeroOS.Media.Serve;
using ZeroOS.Media.Serve.Dhcp;
using ZeroOS.Media.Serve.Tftp;
using ZeroOS.Tests.Media.Serve;

namespace ZeroOS.Tests.Fuzz;

/// <summary>What the farmer's network sends, and what the kernel answers about it.</summary>
internal static class NetworkEntries
{
    private const ulong Nonce = 0x0123456789ABCDEF;
    private static readonly DateTimeOffset s_now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("dhcp lease", () => [Offer()], ReadLease),
        new DecoderEntry("dhcp packet", () => [Packet()], ReadPacket) { Repair = RepairPacket },
        new DecoderEntry("boot question", () => [Bytes.Question(1, "PXEClient:Arch:00007:UNDI:003016", 7)], b => BootQuestion.TryRead(b, out _)),
        new DecoderEntry("time server", () => [Time()], ReadTime),
        new DecoderEntry("tftp request", () => [Bytes.Read("zeroos.efi", "tsize", "0", "blksize", "1468", "windowsize", "16")], ReadTftp),
        new DecoderEntry("netlink answer", () => [Links(), Addresses(), Routes(), Advertisement(), Connections()], ReadNetlink),
    ];

    private static byte[] Offer() =>
        new DhcpMessage { IsReply = true, YourAddress = IPAddress.Parse("192.168.1.20"), Hardware = [2, 0, 0, 0, 0, 1], TransactionId = 9 }
        .With(DhcpOption.Type, 5).With(DhcpOption.ServerId, 192, 168, 1, 1)
            .With(DhcpOption.SubnetMask, 255, 255, 255, 0).With(DhcpOption.Router, 192, 168, 1, 1)
        .With(DhcpOption.Resolver, 192, 168, 1, 1, 9, 9, 9, 9).With(DhcpOption.LeaseTime, 0, 0, 14, 16).With(DhcpOption.Mtu, 5, 220)
        .With(DhcpOption.ClasslessRoutes, 24, 10, 9, 8, 192, 168, 1, 2, 0, 192, 168, 1, 1).Write();

    private static bool ReadLease(byte[] bytes)
    {
        if (!DhcpMessage.TryRead(bytes, out DhcpMessage message) || !DhcpLease.TryRead(message, bytes, out DhcpLease lease))
            return false;
        Assert.InRange(lease.Resolvers.Count + lease.TimeServers.Count, 0, 8);
        Assert.InRange(lease.Routes.Count, 0, 32);
        Assert.True(lease.RenewAfter <= lease.RebindAfter && lease.RenewAfter >= TimeSpan.Zero);
        Assert.True(lease.Mtu is null or (>= 576 and <= 9216));
        return true;
    }

    /// <summary>From the server's port to the client's, as the kernel hands it over.</summary>
    private static byte[] Packet()
    {
        byte[] packet = DhcpFrame.Write(IPAddress.Parse("192.168.1.1"), Offer());
        (packet[20], packet[21], packet[22], packet[23]) = (0, 67, 0, 68);
        return packet;
    }

    private static bool ReadPacket(byte[] bytes) => DhcpFrame.TryRead(bytes, out ReadOnlySpan<byte> message) && message.Length <= bytes.Length;

    private static void RepairPacket(byte[] bytes)
    {
        int header = bytes.Length > 0 ? (bytes[0] & 15) * 4 : 0;
        if (header < 20 || header > bytes.Length)
            return;
        (bytes[10], bytes[11]) = (0, 0);
        uint sum = 0;
        for (int i = 0; i < header; i += 2)
            sum += (uint)((bytes[i] << 8) | bytes[i + 1]);
        while (sum > 0xFFFF)
            sum = (sum & 0xFFFF) + (sum >> 16);
        (bytes[10], bytes[11]) = ((byte)(~sum >> 8), (byte)~sum);
    }

    private static byte[] Time()
    {
        byte[] answer = SntpPacket.Request(Nonce);
        (answer[0], answer[1]) = (0x24, 2);
        answer.AsSpan(40, 8).CopyTo(answer.AsSpan(24));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(32), (uint)(s_now.ToUnixTimeSeconds() + 2_208_988_800));
        answer.AsSpan(32, 8).CopyTo(answer.AsSpan(40));
        return answer;
    }

    private static bool ReadTime(byte[] bytes)
    {
        if (SntpPacket.TryRead(bytes, Nonce, s_now, TimeSpan.FromMilliseconds(10), s_now - TimeSpan.FromDays(21), out SntpSample sample) != SntpOutcome.Good)
            return false;
        Assert.InRange(sample.Error, TimeSpan.FromTicks(1), TimeSpan.FromSeconds(5));
        return true;
    }

    private static bool ReadTftp(byte[] bytes)
    {
        if (!TftpRequest.TryRead(bytes, out TftpRequest request, out _))
            return false;
        TftpTransfer transfer = new(request, new BootContent(new byte[5000]), 1468);
        byte[] datagram = new byte[2048];
        for (int i = 0; i < 64 && transfer.Next(datagram) is > 0 and var n; i++)
            Assert.InRange(n, 4, datagram.Length);
        _ = transfer.Receive(bytes);
        return true;
    }

    private static byte[] Links()
    {
        byte[] head = new byte[16];
        (head[2], head[4], head[8]) = (1, 5, 1);
        return new NetlinkWriter().Begin(16, NetlinkFlags.None).Fixed(head).Text(3, "eth7").Attribute(1, [2, 0, 0, 0, 0, 1]).Attribute(54, [2, 0, 0, 0, 0, 9])
            .Attribute(33, [1]).U32(4, 1500).Nest(18, i => i.Text(1, "veth")).Bytes.ToArray();
    }

    private static byte[] Addresses() => new NetlinkWriter().Begin(20, NetlinkFlags.None)
        .Fixed([2, 24, 0, 0, 5, 0, 0, 0]).Attribute(1, [10, 0, 0, 1]).Attribute(2, [10, 0, 0, 1]).Bytes.ToArray();

    private static byte[] Routes() => new NetlinkWriter().Begin(24, NetlinkFlags.None)
        .Fixed([2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]).Attribute(1, [10, 9, 8, 0]).Attribute(5, [10, 0, 0, 1]).U32(4, 5).Bytes.ToArray();

    private static byte[] Advertisement()
    {
        byte[] head = new byte[16];
        (head[0], head[2], head[4]) = (10, 24, 3);
        return new NetlinkWriter().Begin(68, NetlinkFlags.None)
            .Fixed([.. head, 25, 3, 0, 0, 0, 0, 7, 8, .. IPAddress.Parse("fd00::53").GetAddressBytes()]).Bytes.ToArray();
    }

    private static byte[] Connections()
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(1 << 8, NetlinkFlags.None).Fixed([2, 0, 0, 0]);
        foreach (int tuple in (int[])[1, 2])
        {
            writer.Nest(tuple, t => t.Nest(1, ip => ip.Attribute(1, [10, 0, 0, 1]).Attribute(2, [10, 0, 0, 2]))
                .Nest(2, ports => ports.Attribute(1, [17]).Attribute(2, [1, 2]).Attribute(3, [3, 4])));
        }
        return writer.Attribute(12, [0, 0, 0, 9]).Bytes.ToArray();
    }

    private static bool ReadNetlink(byte[] bytes)
    {
        bool taken = false;
        NetlinkReader reader = new(bytes);
        while (reader.TryNext(out NetlinkMessage message))
        {
            taken |= Link.TryRead(message, out _) | InterfaceAddress.TryRead(message, out _) | Route.TryRead(message, out _) | Neighbor.TryRead(message, out _)
                | RouterResolvers.TryRead(message, out _) | ConntrackEntry.TryRead(message, out _);
            _ = NetlinkSocket.ExtendedText(message);
        }
        return taken;
    }
}
