using System.Net;
using System.Net.Sockets;

using Xunit;

using ZeroOS.Linux.Netfilter;
using ZeroOS.Linux.Netlink;
using ZeroOS.Linux.NetworkNamespaces;
using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Linux.Netfilter;

/// <summary>
/// Replacing a table while packets come: the kernel gives a new chain its policy only at the end of the transaction, when the new rules count already.
/// </summary>
[Trait("tier", "kernel")]
public sealed class NftReplaceTests
{
    private const int Replacements = 1000, Port = 9;

    [SkippableFact]
    public void Replacing_a_table_that_drops_lets_no_packet_through_at_any_moment()
    {
        Skip.IfNot(NamespaceTool.Missing is null, NamespaceTool.Missing);
        using NetworkNamespace space = NetworkNamespace.Create("replaced"), stranger = NetworkNamespace.Create("stranger");
        IPAddress here = IPAddress.Parse("10.9.0.1"), there = IPAddress.Parse("10.9.0.2");
        space.Route.CreateVeth("in", "out", stranger.Descriptor);
        foreach ((NetworkNamespace end, string card, IPAddress address) in new[] { (space, "in", here), (stranger, "out", there) })
        {
            end.Route.ChangeLink(end.Route.GetLink(card).Index, new LinkChange { Up = true });
            end.Route.PutAddress(end.Route.GetLink(card).Index, address, 24);
        }
        NftTable table = new(NftFamily.Inet, "zeroos");
        // Neighbours are asked below the firewall; the rules make the transaction as long as a real one.
        NftChain input = table.Filter("input", NftHook.Input, drop: true);
        for (int port = 100; port < 200; port++)
            input.Add(new NftRule().UdpTo(port).Accept());
        space.Nft.Replace(table);
        using Socket closed = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        closed.Bind(new IPEndPoint(here, Port));
        using Socket sender = stranger.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        sender.Connect(here, Port);

        bool done = false;
        Thread blast = new(() =>
        {
            while (!Volatile.Read(ref done))
                sender.Send("x"u8);
        });
        blast.Start();
        for (int i = 0; i < Replacements; i++)
            space.Nft.Replace(table);
        Volatile.Write(ref done, true);
        blast.Join();

        int through = 0;
        closed.Blocking = false;
        byte[] buffer = new byte[16];
        while (closed.Available > 0 && closed.Receive(buffer) > 0)
            through++;
        Assert.Equal(0, through);
    }
}
