using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Devices.Balloon;

/// <summary>struct virtio_balloon_config (virtio 1.2, 5.5.4). Pages are of 4 KiB whatever the guest's are.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BalloonConfig
{
    /// <summary>Pages the driver should give up; pages it has given up, which the driver writes.</summary>
    public uint Pages, Actual;

    /// <summary>Of a feature that is not offered.</summary>
    public uint FreePageHintCommand;

    /// <summary>What the guest's kernel fills free pages with, which the driver writes.</summary>
    public uint PoisonValue;

    /// <summary>The bits that are the driver's.</summary>
    public static BalloonConfig Writable => new() { Actual = uint.MaxValue, PoisonValue = uint.MaxValue };
}
