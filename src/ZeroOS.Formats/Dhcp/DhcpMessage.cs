using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace ZeroOS.Formats.Dhcp;

/// <summary>One DHCP message of an Ethernet card (RFC 2131, figure 1). The decoder is bounded and never throws.</summary>
public sealed class DhcpMessage
{
    /// <summary>Bytes before the options, the magic cookie included.</summary>
    public const int FixedBytes = 240;

    /// <summary>Larger messages are not read; an Ethernet frame holds less than half of it.</summary>
    public const int MaxBytes = 4096;

    private const byte BootRequest = 1, BootReply = 2, Ethernet = 1;
    private const uint Cookie = 0x63825363;
    private const int LeastBytes = 300, HardwareAt = 28, HardwareBytes = 6, ServerNameAt = 44, ServerNameBytes = 64, FileAt = 108,
        FileBytes = 128, CookieAt = 236;
    private readonly List<(DhcpOption Option, byte[] Value)> _options = []; // as they came, or were set

    /// <summary>From a server.</summary>
    public bool IsReply { get; init; }

    /// <summary>Ties answers to questions.</summary>
    public uint TransactionId { get; init; }

    /// <summary>Seconds since the client began.</summary>
    public ushort Seconds { get; init; }

    /// <summary>Broadcast flag, the highest bit, and reserved ones.</summary>
    public ushort Flags { get; init; }

    /// <summary>The client's address, if it has one (ciaddr).</summary>
    public IPAddress ClientAddress { get; init; } = IPAddress.Any;

    /// <summary>The address that the server gives (yiaddr).</summary>
    public IPAddress YourAddress { get; init; } = IPAddress.Any;

    /// <summary>Where the boot file is (siaddr).</summary>
    public IPAddress NextServer { get; init; } = IPAddress.Any;

    /// <summary>The relay through which it came from another network (giaddr), or 0.0.0.0.</summary>
    public IPAddress Relay { get; init; } = IPAddress.Any;

    /// <summary>The client's card, six bytes (chaddr).</summary>
    public byte[] Hardware { get; init; } = new byte[HardwareBytes];

    /// <summary>The server's name (sname), at most 63 bytes of ASCII. Sent and not read: nobody here needs it, and options may lie in its place.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>The boot file's name (file), at most 127 bytes of ASCII. Sent and not read, as <see cref="ServerName"/>.</summary>
    public string BootFile { get; init; } = "";

    /// <summary>Message type; None for plain BOOTP.</summary>
    public DhcpType Type => Option(DhcpOption.Type) is [var type] ? (DhcpType)type : DhcpType.None;

    /// <summary>Bytes of an option, its parts joined (RFC 3396), or none.</summary>
    public ReadOnlySpan<byte> Option(DhcpOption option) => _options.Where(o => o.Option == option).SelectMany(o => o.Value).ToArray();

    /// <summary>Bytes of an option where it stands first, or none: for options too short to come in parts.</summary>
    public ReadOnlySpan<byte> First(DhcpOption option) => _options.Find(o => o.Option == option).Value;

    /// <summary>Sets an option; longer than 255 bytes is refused.</summary>
    public DhcpMessage With(DhcpOption option, params ReadOnlySpan<byte> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Length, 255);
        _options.RemoveAll(o => o.Option == option);
        _options.Add((option, value.ToArray()));
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

    /// <summary>
    /// The bytes on the wire, padded to what old relays expect. Options go in the order in which they were set, the type first: some servers look no further.
    /// </summary>
    /// <exception cref="ArgumentException">A name is too long for its field.</exception>
    public byte[] Write()
    {
        byte[] bytes = new byte[Math.Max(LeastBytes, FixedBytes + _options.Sum(o => o.Value.Length + 2) + 1)];
        bytes[0] = IsReply ? BootReply : BootRequest;
        bytes[1] = Ethernet;
        bytes[2] = HardwareBytes;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), TransactionId);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(8), Seconds);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), Flags);
        ClientAddress.GetAddressBytes().CopyTo(bytes, 12);
        YourAddress.GetAddressBytes().CopyTo(bytes, 16);
        NextServer.GetAddressBytes().CopyTo(bytes, 20);
        Relay.GetAddressBytes().CopyTo(bytes, 24);
        Hardware.AsSpan(0, HardwareBytes).CopyTo(bytes.AsSpan(HardwareAt));
        WriteName(ServerName, bytes.AsSpan(ServerNameAt, ServerNameBytes));
        WriteName(BootFile, bytes.AsSpan(FileAt, FileBytes));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(CookieAt), Cookie);
        int at = FixedBytes;
        foreach ((DhcpOption option, byte[] value) in _options.OrderBy(o => o.Option != DhcpOption.Type))
        {
            bytes[at++] = (byte)option;
            bytes[at++] = (byte)value.Length;
            value.CopyTo(bytes, at);
            at += value.Length;
        }
        bytes[at] = (byte)DhcpOption.End;
        return bytes;
    }

    /// <summary>Reads a message; false when it is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out DhcpMessage message)
    {
        message = new DhcpMessage();
        if (bytes.Length is < FixedBytes or > MaxBytes || bytes[0] is not (BootRequest or BootReply) || bytes[1] != Ethernet || bytes[2] != HardwareBytes
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[CookieAt..]) != Cookie)
            return false;
        message = new DhcpMessage
        {
            IsReply = bytes[0] == BootReply,
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            Seconds = BinaryPrimitives.ReadUInt16BigEndian(bytes[8..]),
            Flags = BinaryPrimitives.ReadUInt16BigEndian(bytes[10..]),
            ClientAddress = new IPAddress(bytes.Slice(12, 4)),
            YourAddress = new IPAddress(bytes.Slice(16, 4)),
            NextServer = new IPAddress(bytes.Slice(20, 4)),
            Relay = new IPAddress(bytes.Slice(24, 4)),
            Hardware = bytes.Slice(HardwareAt, HardwareBytes).ToArray(),
        };
        if (!message.TryReadOptions(bytes[FixedBytes..]))
            return false;
        int overload = message.First(DhcpOption.Overload) is [var where] ? where : 0;
        return ((overload & 1) == 0 || message.TryReadOptions(bytes.Slice(FileAt, FileBytes)))
            && ((overload & 2) == 0 || message.TryReadOptions(bytes.Slice(ServerNameAt, ServerNameBytes)));
    }

    /// <summary>A zero ends the name, so the field is longer than it.</summary>
    private static void WriteName(string name, Span<byte> field)
    {
        if (name.Length >= field.Length)
            throw new ArgumentException($"\"{name}\" has {name.Length} bytes; its field in a DHCP message holds {field.Length - 1}", nameof(name));
        Encoding.ASCII.GetBytes(name, field);
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
            _options.Add((option, bytes.Slice(2, bytes[1]).ToArray()));
            bytes = bytes[(2 + bytes[1])..];
        }
        // Some servers and clients leave the end mark out.
        return true;
    }
}
