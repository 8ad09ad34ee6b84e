using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>What a packet says (virtio 1.2, 5.10.6).</summary>
internal enum VsockOperation : ushort
{
    /// <summary>Connect.</summary>
    Request = 1,

    /// <summary>Accepted.</summary>
    Response = 2,

    /// <summary>Refused, or over at once.</summary>
    Reset = 3,

    /// <summary>No more in one direction, or both.</summary>
    Shutdown = 4,

    /// <summary>Bytes.</summary>
    Data = 5,

    /// <summary>How much room there is.</summary>
    CreditUpdate = 6,

    /// <summary>Say how much room there is.</summary>
    CreditRequest = 7,
}

/// <summary>struct virtio_vsock_hdr, 44 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct VsockPacket
{
    /// <summary>Bytes of the header; the only type of socket that exists here.</summary>
    public const int Size = 44, Stream = 1;

    /// <summary>Shutdown flags: the sender takes no more, the sender sends no more.</summary>
    public const uint NoReceive = 1, NoSend = 2;

    /// <summary>Context ids.</summary>
    public ulong SourceCid, TargetCid;

    /// <summary>Ports, and bytes that follow the header.</summary>
    public uint SourcePort, TargetPort, Length;

    /// <summary>Socket type.</summary>
    public ushort Type;

    /// <summary>What it says.</summary>
    public VsockOperation Operation;

    /// <summary>Of the operation; the sender's buffer in bytes; bytes it has taken out of it since the connection began.</summary>
    public uint Flags, BufferSize, Forwarded;
}
