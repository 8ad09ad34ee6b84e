using System.Net;

using ZeroOS.Formats.Dhcp;

namespace ZeroOS.Tests.Host.Network;

/// <summary>A DHCP server of one address, for simulations and for the LAN in a namespace.</summary>
internal sealed class DhcpServer
{
    public IPAddress Address { get; set; } = IPAddress.Parse("10.0.2.15");

    public IPAddress Self { get; set; } = IPAddress.Parse("10.0.2.2");

    public uint LeaseSeconds { get; set; } = 86400;

    /// <summary>Option 26, or null.</summary>
    public int? Mtu { get; set; }

    /// <summary>Refuses every request.</summary>
    public bool Refuses { get; set; }

    public List<DhcpMessage> Seen { get; } = [];

    public byte[]? Answer(ReadOnlySpan<byte> bytes)
    {
        if (!DhcpMessage.TryRead(bytes, out DhcpMessage message) || message.IsReply)
            return null;
        Seen.Add(message);
        IPAddress? wanted = message.Address(DhcpOption.RequestedAddress) ?? (message.ClientAddress.Equals(IPAddress.Any) ? null : message.ClientAddress);
        DhcpType? type = message.Type switch
        {
            DhcpType.Discover => DhcpType.Offer,
            DhcpType.Request when message.Address(DhcpOption.ServerId) is { } chosen && !chosen.Equals(Self) => null,
            DhcpType.Request when Refuses || !Address.Equals(wanted) => DhcpType.Nak,
            DhcpType.Request => DhcpType.Ack,
            _ => null,
        };
        if (type is not { } reply)
            return null;
        DhcpMessage answer = new()
        {
            IsReply = true,
            TransactionId = message.TransactionId,
            Hardware = message.Hardware,
            YourAddress = reply == DhcpType.Nak ? IPAddress.Any : Address,
        };
        answer.With(DhcpOption.Type, (byte)reply).With(DhcpOption.ServerId, Self.GetAddressBytes());
        if (reply != DhcpType.Nak)
        {
            answer.With(DhcpOption.SubnetMask, 255, 255, 255, 0).With(DhcpOption.Router, 10, 0, 2, 2).With(DhcpOption.Resolver, 10, 0, 2, 3)
                .With(DhcpOption.LeaseTime, (byte)(LeaseSeconds >> 24), (byte)(LeaseSeconds >> 16), (byte)(LeaseSeconds >> 8), (byte)LeaseSeconds);
            if (Mtu is { } mtu)
                answer.With(DhcpOption.Mtu, (byte)(mtu >> 8), (byte)mtu);
        }
        return answer.Write();
    }
}
