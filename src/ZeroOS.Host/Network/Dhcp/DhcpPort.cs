using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Linux;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Host.Network.Dhcp;

/// <summary>A DHCP client on a real card: packets in and out, and the last good lease in a file. Owned by the uplink's thread.</summary>
internal sealed class DhcpPort : IDisposable
{
    private const int MostPacketsAtOnce = 64, MostStoredBytes = 4096, EthernetMtu = 1500;
    private readonly byte[] _buffer = new byte[2048];
    private readonly PacketSocket _packets, _arp;
    private readonly string _leaseFile, _name;
    private readonly MacAddress _mac;
    private readonly ILog _log;
    private DhcpState _probing;

    /// <summary>Opens sockets on the card in the calling thread's namespace.</summary>
    public DhcpPort(Link link, string stateDirectory, ILog log)
    {
        _name = link.Name;
        _mac = link.Mac;
        _log = log;
        _leaseFile = Path.Combine(stateDirectory, $"lease-{link.PermanentMac.ToString().Replace(':', '-')}");
        _packets = new PacketSocket(link.Index, PacketSocket.Ipv4, DhcpFrame.Filter);
        _arp = new PacketSocket(link.Index, PacketSocket.Arp, []);
        DhcpLease? stored = Stored();
        Client = new DhcpClient(_mac, Random.Shared, stored);
        // What an earlier process set by the lease it stored is not the card's own.
        OwnMtu = stored?.Mtu == link.Mtu ? EthernetMtu : link.Mtu;
    }

    /// <summary>The state machine.</summary>
    public DhcpClient Client { get; }

    /// <summary>The card's MTU in bytes while no lease names another.</summary>
    public int OwnMtu { get; }

    /// <summary>The MTU that the card did not take, so that it is not asked again and again; 0 for none.</summary>
    public int RefusedMtu { get; set; }

    /// <summary>To poll: DHCP and ARP packets.</summary>
    public IReadOnlyList<FileDescriptor> Descriptors => [_packets.Descriptor, _arp.Descriptor];

    /// <summary>Takes what came, lets time pass, sends what is due. True if the lease is another than before.</summary>
    public bool Work(TimeSpan now)
    {
        DhcpLease? before = Client.Lease;
        for (int i = 0; i < MostPacketsAtOnce && _packets.TryReceive(_buffer, out int length) is Errno.None; i++)
        {
            if (DhcpFrame.TryRead(_buffer.AsSpan(0, length), out ReadOnlySpan<byte> message))
                Client.Receive(message, now);
        }
        for (int i = 0; i < MostPacketsAtOnce && _arp.TryReceive(_buffer, out int length) is Errno.None; i++)
        {
            if (Client.Probed is { } probed && ArpMessage.IsFromOther(_buffer.AsSpan(0, length), probed, _mac))
            {
                _log.Warn($"dhcp nic={_name} address={probed} taken by another");
                Client.AddressTaken(now);
            }
        }
        Client.Tick(now);
        if (Client.Probed is { } address && _probing != DhcpState.Probing)
            _ = _arp.TrySend(MacAddress.Broadcast, ArpMessage.Probe(_mac, address));
        _probing = Client.State;
        while (Client.TryTakeOutgoing(out DhcpSend send))
            Send(send);
        if (ReferenceEquals(before, Client.Lease))
            return false;
        if (Client.Lease is { } lease && !Client.IsDegraded)
            Store(lease);
        if (Client.Lease is not { } current)
            _log.Warn($"dhcp nic={_name} lease lost");
        else if (!current.ConfiguresLike(before))
            _log.Info($"dhcp nic={_name} address={current.Address}/{current.PrefixLength} gateway={current.Gateway} "
                + $"resolvers={string.Join(',', current.Resolvers)} degraded={Client.IsDegraded}");
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _packets.Dispose();
        _arp.Dispose();
    }

    private void Send(DhcpSend send)
    {
        if (send.Server is null)
        {
            _ = _packets.TrySend(MacAddress.Broadcast, DhcpFrame.Write(send.Source, send.Message));
            return;
        }
        // To one server by the kernel's own routing; the answer comes by the packet socket, before the firewall.
        const int SOL_SOCKET = 1, SO_BINDTODEVICE = 25;
        try
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.SetRawSocketOption(SOL_SOCKET, SO_BINDTODEVICE, Encoding.ASCII.GetBytes(_name));
            socket.Bind(new IPEndPoint(send.Source, 68));
            socket.SendTo(send.Message, new IPEndPoint(send.Server, 67));
        }
        catch (SocketException e)
        {
            // Lost, as on any network: the client asks again, and later asks everybody.
            _log.Warn($"dhcp nic={_name} renewal not sent: {e.SocketErrorCode}");
        }
    }

    private DhcpLease? Stored()
    {
        try
        {
            byte[] bytes = File.Exists(_leaseFile) && new FileInfo(_leaseFile).Length <= MostStoredBytes ? File.ReadAllBytes(_leaseFile) : [];
            return DhcpMessage.TryRead(bytes, out DhcpMessage message) && new MacAddress(message.Hardware) == _mac
                && DhcpLease.TryRead(message, bytes, out DhcpLease lease) ? lease : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Store(DhcpLease lease)
    {
        try
        {
            // Without fsync on purpose: half a lease is no lease, and the next one comes from the server.
            Directory.CreateDirectory(Path.GetDirectoryName(_leaseFile)!);
            File.WriteAllBytes(_leaseFile + ".new", lease.Message.ToArray());
            File.Move(_leaseFile + ".new", _leaseFile, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.Warn($"dhcp nic={_name} lease not kept: {e.Message}");
        }
    }
}
