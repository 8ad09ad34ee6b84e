using System.Runtime.InteropServices;

namespace ZeroOS.Vmm.Devices.Vsock;

/// <summary>struct virtio_vsock_config (virtio 1.2, 5.10.4).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VsockConfig
{
    /// <summary>The guest's context id.</summary>
    public ulong GuestCid;
}
