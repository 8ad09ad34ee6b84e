using System.Net;
using System.Net.Sockets;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Linux.Netfilter;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Linux.Netfilter;

/// <summary>Two namespaces and a cable; the middle one translates and remembers.</summary>
[Trait("tier", "kernel")]
public sealed class ConntrackTests
{
    private static readonly IPAddress s_here = IPAddress.Parse("10.9.0.1"), s_there = IPAddress.Parse("10.9.0.2");

    [SkippableFact]
    public void A_forgotten_connection_meets_the_rules_anew_and_others_are_kept()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("tracked"), stranger = NetworkNamespace.Create("stranger");
        space.Route.CreateVeth("in", "out", stranger.Descriptor);
        foreach ((NetworkNamespace end, string card, IPAddress address) in new[] { (space, "in", s_here), (stranger, "out", s_there) })
        {
            end.Route.ChangeLink(end.Route.GetLink(card).Index, new LinkChange { Up = true });
            end.Route.PutAddress(end.Route.GetLink(card).Index, address, 24);
        }
        space.Nft.Replace(Leading(to: 1001));
        using Socket first = Listener(space, 1001), second = Listener(space, 1002);
        using Socket peer = stranger.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using Socket other = stranger.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        peer.Connect(s_here, 5353);
        other.Connect(s_here, 5454);
        peer.Send("a"u8);
        other.Send("o"u8);
        Assert.True(first.Poll(2_000_000, SelectMode.SelectRead));
        first.Receive(new byte[8]);

        // As the field says it: with other rules alone the peer that goes on sending stays where it was.
        space.Nft.Replace(Leading(to: 1002));
        peer.Send("b"u8);
        Assert.True(first.Poll(2_000_000, SelectMode.SelectRead));
        first.Receive(new byte[8]);
        ConntrackMatch match = new() { Protocol = 17, DestinationPort = 5353, ReplySource = s_here };
        ConntrackEntry entry = Assert.Single(Listed(space, match));
        Assert.Equal((new IPEndPoint(s_here, 5353), new IPEndPoint(s_here, 1001)), (entry.Destination, entry.ReplySource));

        Assert.Equal(1, space.Connections.Forget(match));

        peer.Send("c"u8);
        Assert.True(second.Poll(2_000_000, SelectMode.SelectRead));
        Assert.False(first.Poll(0, SelectMode.SelectRead));
        Assert.Single(space.Connections.List(new ConntrackMatch { Protocol = 17, DestinationPort = 5454 }));
        Assert.Empty(space.Connections.List(new ConntrackMatch { Source = s_here }));
        Assert.Equal(0, space.Connections.Forget(match with { DestinationPort = 9 }));
    }

    [Fact]
    public void A_mutated_answer_of_the_kernel_is_read_or_passed_over_and_never_throws()
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(1 << 8, NetlinkFlags.None).Fixed([2, 0, 0, 0]);
        foreach (int tuple in new[] { 1, 2 })
        {
            writer.Nest(tuple, t => t.Nest(1, ip => ip.Attribute(1, [10, 0, 0, 1]).Attribute(2, [10, 0, 0, 2]))
                .Nest(2, ports => ports.Attribute(1, [17]).Attribute(2, [1, 2]).Attribute(3, [3, 4])));
        }
        byte[] whole = writer.Attribute(12, [0, 0, 0, 9]).Bytes.ToArray();
        Assert.True(Read(whole, out ConntrackEntry entry));
        Assert.Equal((17, "10.0.0.1:258", "10.0.0.2:772"), (entry.Protocol, $"{entry.Source}", $"{entry.Destination}"));

        int seed = Seeds.Of(nameof(ConntrackTests));
        Random random = new(seed);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = [.. whole];
            for (int flips = random.Next(1, 6); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Exception? thrown = Record.Exception(() => Read(bytes.AsSpan(0, random.Next(bytes.Length + 1)), out _));
            Assert.True(thrown is null, $"seed={seed}: {thrown}");
        }

        static bool Read(ReadOnlySpan<byte> bytes, out ConntrackEntry entry)
        {
            entry = new ConntrackEntry();
            return new NetlinkReader(bytes).TryNext(out NetlinkMessage message) && ConntrackEntry.TryRead(message, out entry);
        }
    }

    private static NftTable Leading(int to)
    {
        NftTable table = new(NftFamily.Inet, "zeroos");
        table.Nat("prerouting", NftHook.Prerouting).Add(new NftRule().UdpTo(5353).Redirect(s_here, to));
        return table;
    }

    private static Socket Listener(NetworkNamespace space, int port)
    {
        Socket socket = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(s_here, port));
        return socket;
    }

    private static IReadOnlyList<ConntrackEntry> Listed(NetworkNamespace space, ConntrackMatch match)
    {
        try
        {
            return space.Connections.List(match);
        }
        catch (LinuxException e) when (e.Errno is Errno.EINVAL or Errno.EOPNOTSUPP or Errno.EPERM)
        {
            Skip.If(true, $"this kernel tells no connections (CONFIG_NF_CT_NETLINK): {e.Message}");
            return [];
        }
    }
}
