using System.Buffers.Binary;
using System.Net;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Node.Network.Dhcp;

/// <summary>Message types of DHCP (RFC 2132, 9.6).</summary>
internal enum DhcpType : byte
{
    None = 0, Discover = 1, Offer = 2, Request = 3, Decline = 4, Ack = 5, Nak = 6, Release = 7,
}

/// <summary>Options of DHCP that we send or read (RFC 2132, 3442).</summary>
internal enum DhcpOption : byte
{
    Pad = 0, SubnetMask = 1, Router = 3, Resolver = 6, Domain = 15, Mtu = 26, TimeServer = 42, RequestedAddress = 50, LeaseTime = 51, Overload = 52, Type = 53,
    Server = 54, Wanted = 55, MaxSize = 57, RenewalTime = 58, RebindingTime = 59, ClientId = 61, ClasslessRoutes = 121, End = 255,
}

/// <summary>One DHCP message (RFC 2131, figure 1). Options that come in parts are joined (RFC 3396); the decoder is bounded and never throws.</summary>
internal sealed class DhcpMessage
{
    /// <summary>Bytes before the options, the magic cookie included.</summary>
    public const int FixedBytes = 240;

    private const byte BootRequest = 1, BootReply = 2;
    private const uint Cookie = 0x63825363;
    private const int LeastBytes = 300, OptionBytesAtMost = 4096, ServerNameAt = 44, ServerNameBytes = 64, FileAt = 108, FileBytes = 128;
    private readonly SortedDictionary<DhcpOption, byte[]> _options = [];

    /// <summary>From a server.</summary>
    public bool IsReply { get; init; }

    /// <summary>Ties answers to questions.</summary>
    public uint TransactionId { get; init; }

    /// <summary>Seconds since the client began.</summary>
    public ushort Seconds { get; init; }

    /// <summary>The client's address, if it has one.</summary>
    public IPAddress ClientAddress { get; init; } = IPAddress.Any;

    /// <summary>The address that the server gives.</summary>
    public IPAddress YourAddress { get; init; } = IPAddress.Any;

    /// <summary>The client's card.</summary>
    public MacAddress Hardware { get; init; }

    /// <summary>Message type; None for plain BOOTP.</summary>
    public DhcpType Type => Option(DhcpOption.Type) is [var type] ? (DhcpType)type : DhcpType.None;

    /// <summary>Bytes of an option, or none.</summary>
    public ReadOnlySpan<byte> Option(DhcpOption option) => _options.TryGetValue(option, out byte[]? value) ? value : [];

    /// <summary>Sets an option; longer than 255 bytes is refused.</summary>
    public DhcpMessage With(DhcpOption option, params ReadOnlySpan<byte> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Length, 255);
        _options[option] = value.ToArray();
        return this;
    }

    /// <summary>An option that is one address, or null.</summary>
    public IPAddress? Address(DhcpOption option) => Option(option) is { Length: >= 4 } value ? new IPAddress(value[..4]) : null;

    /// <summary>An option that is a list of addresses, at most <paramref name="most"/>.</summary>
    public IReadOnlyList<IPAddress> Addresses(DhcpOption option, int most)
    {
        ReadOnlySpan<byte> value = Option(option);
        List<IPAddress> addresses = [];
        for (int at = 0; at + 4 <= value.Length && addresses.Count < most; at += 4)
            addresses.Add(new IPAddress(value.Slice(at, 4)));
        return addresses;
    }

    /// <summary>An option that is 32 bits, or null.</summary>
    public uint? Number(DhcpOption option) => Option(option) is { Length: 4 } value ? BinaryPrimitives.ReadUInt32BigEndian(value) : null;

    /// <summary>The bytes on the wire, padded to what old relays expect.</summary>
    public byte[] Write()
    {
        byte[] bytes = new byte[FixedBytes + _options.Sum(o => o.Value.Length + 2) + 1];
        bytes[0] = IsReply ? BootReply : BootRequest;
        bytes[1] = 1;
        bytes[2] = MacAddress.Bytes;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), TransactionId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(8), Seconds);
        ClientAddress.GetAddressBytes().CopyTo(bytes, 12);
        YourAddress.GetAddressBytes().CopyTo(bytes, 16);
        Hardware.ToBytes().CopyTo(bytes, 28);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(236), Cookie);
        int at = FixedBytes;
        // The type goes first: some servers look no further.
        foreach ((DhcpOption option, byte[] value) in _options.OrderBy(o => o.Key != DhcpOption.Type))
        {
            bytes[at++] = (byte)option;
            bytes[at++] = (byte)value.Length;
            value.CopyTo(bytes, at);
            at += value.Length;
        }
        bytes[at++] = (byte)DhcpOption.End;
        Array.Resize(ref bytes, Math.Max(at, LeastBytes));
        return bytes;
    }

    /// <summary>Reads a message; false when it is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out DhcpMessage message)
    {
        message = new DhcpMessage();
        if (bytes.Length < FixedBytes || bytes[0] is not (BootRequest or BootReply) || bytes[1] != 1 || bytes[2] != MacAddress.Bytes
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[236..]) != Cookie)
            return false;
        message = new DhcpMessage
        {
            IsReply = bytes[0] == BootReply,
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            Seconds = BinaryPrimitives.ReadUInt16BigEndian(bytes[8..]),
            ClientAddress = new IPAddress(bytes.Slice(12, 4)),
            YourAddress = new IPAddress(bytes.Slice(16, 4)),
            Hardware = new MacAddress(bytes.Slice(28, MacAddress.Bytes)),
        };
        if (!message.TryReadOptions(bytes[FixedBytes..]))
            return false;
        int overload = message.Option(DhcpOption.Overload) is [var where] ? where : 0;
        return ((overload & 1) == 0 || message.TryReadOptions(bytes.Slice(FileAt, FileBytes)))
            && ((overload & 2) == 0 || message.TryReadOptions(bytes.Slice(ServerNameAt, ServerNameBytes)));
    }

    private bool TryReadOptions(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            DhcpOption option = (DhcpOption)bytes[0];
            if (option == DhcpOption.End)
                return true;
            if (option == DhcpOption.Pad)
            {
                bytes = bytes[1..];
                continue;
            }
            if (bytes.Length < 2 || bytes.Length < 2 + bytes[1])
                return false;
            ReadOnlySpan<byte> value = bytes.Slice(2, bytes[1]);
            byte[] joined = _options.TryGetValue(option, out byte[]? before) ? [.. before, .. value] : value.ToArray();
            if (joined.Length > OptionBytesAtMost)
                return false;
            _options[option] = joined;
            bytes = bytes[(2 + value.Length)..];
        }
        // Some servers leave the end mark out.
        return true;
    }
}
