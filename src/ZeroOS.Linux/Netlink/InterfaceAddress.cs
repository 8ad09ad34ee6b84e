using System.Buffers.Binary;
using System.Net;

namespace ZeroOS.Linux.Netlink;

/// <summary>An address on an interface (struct ifaddrmsg).</summary>
public sealed record InterfaceAddress(int Link, IPAddress Address, int PrefixLength)
{
    internal const int FixedBytes = 8;
    private const int IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_FLAGS = 8;

    /// <summary>Kernel flags: permanent, tentative, deprecated (IFA_F_*).</summary>
    public uint Flags { get; init; }

    /// <summary>Link-local scope.</summary>
    public bool IsLinkLocal =>
        Address.IsIPv6LinkLocal || (Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && Address.GetAddressBytes() is [169, 254, ..]);

    /// <summary>Reads the body of RTM_NEWADDR or RTM_DELADDR.</summary>
    public static bool TryRead(in NetlinkMessage message, out InterfaceAddress address)
    {
        address = new InterfaceAddress(0, IPAddress.None, 0);
        if (message.Type is not (RouteSocket.RTM_NEWADDR or RouteSocket.RTM_DELADDR) || message.Body.Length < FixedBytes)
            return false;
        int bytes = RouteSocket.AddressBytes(message.Body[0]);
        uint flags = message.Body[2];
        IPAddress? local = null, far = null;
        AttributeReader attributes = new(message.Body[FixedBytes..]);
        while (attributes.TryNext(out int type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                case IFA_LOCAL when value.Length == bytes: local = new IPAddress(value); break;
                case IFA_ADDRESS when value.Length == bytes: far = new IPAddress(value); break;
                case IFA_FLAGS: flags = AttributeReader.U32(value); break;
            }
        }
        // On a point-to-point link IFA_ADDRESS is the peer; IPv6 has IFA_ADDRESS only.
        if (bytes == 0 || (local ?? far) is not { } own || message.Body[1] > bytes * 8)
            return false;
        address = new InterfaceAddress(BinaryPrimitives.ReadInt32LittleEndian(message.Body[4..]), own, message.Body[1]) { Flags = flags };
        return true;
    }
}
