using System.Globalization;
using System.Net;
using System.Net.Sockets;

using ZeroOS.Media.Serve.Dhcp;
using ZeroOS.Media.Serve.Http;
using ZeroOS.Media.Serve.Report;
using ZeroOS.Media.Serve.Tftp;

namespace ZeroOS.Media.Serve;

/// <summary>Everything that booting from the network needs but addresses: proxy DHCP on 67 and 4011, TFTP on 69, HTTP; on one interface.</summary>
internal sealed class BootServer(ServeInterface network, BootFiles files, int httpPort, IServeReport report, TimeProvider clock)
{
    private const int DhcpPort = 67, NegotiationPort = 4011, TftpPort = 69;
    private const int IpUdpTftpBytes = 20 + 8 + TftpTransfer.HeaderBytes;

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="MediaException">A port is taken or not for this user.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        ServeSockets sockets = new(network.Link.Name);
        using Socket dhcp = sockets.Udp(IPAddress.Broadcast, DhcpPort, "DHCP");
        using Socket negotiation = sockets.Udp(network.Address, NegotiationPort, "PXE");
        using Socket tftp = sockets.Udp(network.Address, TftpPort, "TFTP");
        using Socket http = sockets.Tcp(network.Address, httpPort, "HTTP");

        BootWatch watch = new(clock, report.Say, network.CardOf);
        ProxyDhcp proxy = new(files, network.Address, httpPort, watch);
        report.Say(new BootEvent(clock.GetUtcNow(), null, network.Address.ToString(), null, "serving", Why: string.Create(CultureInfo.InvariantCulture,
            $"serving {network.Link.Name} at {network.Address}: proxy DHCP 67 and 4011, TFTP 69, HTTP {httpPort}; {Paths()}")));
        Task[] servers =
        [
            proxy.RunBroadcastsAsync(dhcp, cancellation),
            proxy.RunNegotiationsAsync(negotiation, cancellation),
            new TftpServer(tftp, sockets, files, watch, network.IsNear, network.Link.Mtu - IpUdpTftpBytes, clock).RunAsync(cancellation),
            new HttpServer(http, files, watch).RunAsync(cancellation),
            report.RunAsync(watch, cancellation),
        ];
        await Task.WhenAll(servers);
        report.Say(new BootEvent(clock.GetUtcNow(), null, network.Address.ToString(), null, "stopped", Why: "stopped"));
    }

    /// <summary>What each kind of computer is sent to, so that what is missing is seen before a computer is switched on.</summary>
    private string Paths() => string.Join(", ", new[] { ClientKind.BiosPxe, ClientKind.UefiPxe, ClientKind.UefiHttp, ClientKind.Ipxe, ClientKind.IpxeUefi }
        .Select(k => $"{k.Text()} {(files.For(k, network.Address, httpPort) is string file ? $"gets {file.Split('/')[^1]}" : "gets nothing")}"));
}
