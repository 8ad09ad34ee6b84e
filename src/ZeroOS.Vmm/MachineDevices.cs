using ZeroOS.Contracts.Monitor;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Devices.Balloon;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Devices.Net;
using ZeroOS.Vmm.Devices.Rng;
using ZeroOS.Vmm.Devices.Vsock;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Memory;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Vmm;

/// <summary>
/// The devices of a machine in the order the guest finds them, made before whatever has a place for each of them: the length of the list is its size. A new
/// device is one line here.
/// </summary>
internal static class MachineDevices
{
    /// <summary>Opens all, and connects them with the node.</summary>
    /// <exception cref="ConfigException">What a device was given does not fit together.</exception>
    public static IReadOnlyList<VirtioDevice> Open(VmConfig config, EventLoop loop, GuestMemory memory, ControlSocket control)
    {
        VsockDevice vsock = new(config.GuestCid, loop, control.TryAccept, TimeProvider.System);
        BalloonDevice balloon = new(memory);
        control.Reconnected = vsock.ResetAll;
        control.BalloonTarget = balloon.SetTarget;
        control.StatisticsAsked = balloon.AskStatistics;
        return
        [
            // Disks first: the guest names them in the order it finds them.
            .. config.Disks.Select((disk, i) => BlockDevice.Open(disk, i, loop)),
            .. config.Nics.Select((nic, i) => NetDevice.Open(nic, i, loop)),
            vsock,
            new RngDevice(),
            balloon,
        ];
    }
}
