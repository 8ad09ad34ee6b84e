using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Devices.Net;

/// <summary>struct virtio_net_config (virtio 1.2, 5.1.4), as far as the features offered reach.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct NetConfig
{
    /// <summary>The card's address.</summary>
    public fixed byte Mac[6];

    /// <summary>Link state, meaningless without its feature; pairs of queues.</summary>
    public ushort Status, MaxQueuePairs;

    /// <summary>Bytes of the largest packet without its Ethernet header.</summary>
    public ushort Mtu;

    /// <summary>A card with one pair of queues.</summary>
    public static NetConfig For(ReadOnlySpan<byte> mac, ushort mtu)
    {
        NetConfig config = new() { MaxQueuePairs = 1, Mtu = mtu };
        mac.CopyTo(new Span<byte>(config.Mac, 6));
        return config;
    }
}
