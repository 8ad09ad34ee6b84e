using System.Buffers.Binary;
using System.Net;

using ZeroOS.Formats.Dhcp;
using ZeroOS.Linux.Netlink;

namespace ZeroOS.Media.Serve.Dhcp;

/// <summary>What a computer asks on the DHCP port, as far as booting it goes. The decoder is bounded and never throws.</summary>
internal sealed record BootQuestion
{
    /// <summary>Larger datagrams are not read: PXE asks for at most an Ethernet frame.</summary>
    public const int MaxBytes = 1500;

    /// <summary>Discover on port 67; Request or Inform on 4011.</summary>
    public DhcpType Type { get; init; }

    /// <summary>Ties answers to questions.</summary>
    public uint TransactionId { get; init; }

    /// <summary>Broadcast flag and reserved bits, sent back as they came.</summary>
    public ushort Flags { get; init; }

    /// <summary>The card that asks.</summary>
    public MacAddress Mac { get; init; }

    /// <summary>The address it has, or 0.0.0.0.</summary>
    public IPAddress ClientAddress { get; init; } = IPAddress.Any;

    /// <summary>The address it wants from the farmer's DHCP server: told to everybody in its request.</summary>
    public IPAddress? WantedAddress { get; init; }

    /// <summary>Came through a relay, from another network.</summary>
    public bool IsRelayed { get; init; }

    /// <summary>Option 60, only its first word: PXEClient, HTTPClient, or empty.</summary>
    public string VendorClass { get; init; } = "";

    /// <summary>Option 77 says iPXE.</summary>
    public bool IsIpxe { get; init; }

    /// <summary>Option 93, the first of its list (IANA's processor architecture types); null when there is none.</summary>
    public ushort? Architecture { get; init; }

    /// <summary>Option 97, sent back as it came: 17 bytes, or empty.</summary>
    public byte[] MachineId { get; init; } = [];

    /// <summary>Asks to be booted: says so and says on what.</summary>
    public bool WantsBoot => VendorClass.Length > 0 && Architecture is not null;

    /// <summary>What asks.</summary>
    public ClientKind Kind => (VendorClass, Architecture) switch
    {
        ("PXEClient", 0) when IsIpxe => ClientKind.Ipxe,
        ("PXEClient", 7 or 9) when IsIpxe => ClientKind.IpxeUefi,
        ("PXEClient", 0) => ClientKind.BiosPxe,
        // 7 was to be "EFI byte code" and is what x86-64 firmware says since an erratum of RFC 4578 took hold.
        ("PXEClient", 7 or 9) => ClientKind.UefiPxe,
        ("HTTPClient", 16) => ClientKind.UefiHttp,
        _ => ClientKind.Unknown,
    };

    /// <summary>Reads a datagram; false when it is no question of an Ethernet client.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out BootQuestion question)
    {
        question = new BootQuestion();
        if (bytes.Length > MaxBytes || !DhcpMessage.TryRead(bytes, out DhcpMessage message) || message.IsReply)
            return false;
        question = new BootQuestion
        {
            Type = message.First(DhcpOption.Type) is [var type] ? (DhcpType)type : DhcpType.None,
            TransactionId = message.TransactionId,
            Flags = message.Flags,
            Mac = new MacAddress(message.Hardware),
            ClientAddress = message.ClientAddress,
            WantedAddress = message.First(DhcpOption.RequestedAddress) is { Length: 4 } wanted ? new IPAddress(wanted) : null,
            IsRelayed = !message.Relay.Equals(IPAddress.Any),
            VendorClass = ClassOf(message.First(DhcpOption.VendorClass)),
            IsIpxe = message.First(DhcpOption.UserClass).IndexOf("iPXE"u8) is 0 or 1, // with or without the length RFC 3004 asks for
            Architecture = message.First(DhcpOption.Architecture) is { Length: >= 2 } list ? BinaryPrimitives.ReadUInt16BigEndian(list) : null,
            MachineId = message.First(DhcpOption.MachineId) is { Length: 17 } id ? id.ToArray() : [],
        };
        return true;
    }

    private static string ClassOf(ReadOnlySpan<byte> value) =>
        value.StartsWith("PXEClient"u8) ? "PXEClient" : value.StartsWith("HTTPClient"u8) ? "HTTPClient" : "";
}
