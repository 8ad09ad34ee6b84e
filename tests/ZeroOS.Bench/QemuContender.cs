using System.Globalization;

using ZeroOS.Linux;
using ZeroOS.Linux.Taps;

namespace ZeroOS.Bench;

/// <summary>
/// The peer: Debian's QEMU as a micro-VM, with a disk and a tap (its vsock needs a kernel driver the node does not have, and so is left out).
/// </summary>
internal sealed class QemuContender(string name, string machine, bool pci) : Contender(name)
{
    protected override int Start(FileDescriptor serial, string commandLine, long memoryBytes)
    {
        using FileDescriptor disk = Disk(), tap = TapDevice.TryOpen("bench0") ?? throw new LinuxException(Errno.EBUSY, "open tap", "bench0");
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite), errors = FileDescriptor.Open("/dev/console", OpenFlags.WriteOnly);
        string bus = pci ? "pci" : "device";
        return ChildProcess.Spawn(new ChildStart
        {
            Path = "/usr/bin/qemu-system-x86_64",
            Arguments =
            [
                "qemu", "-L", "/usr/share/qemu", "-M", machine, "-accel", "kvm", "-cpu", "host",
                "-m", (memoryBytes >> 20).ToString(CultureInfo.InvariantCulture), "-nodefaults",
                "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", "/guest/vmlinux", "-initrd", "/guest/initramfs.cpio",
                "-append", commandLine,
                "-drive", "file=/proc/self/fd/10,format=raw,if=none,id=d", "-device", $"virtio-blk-{bus},drive=d", "-netdev", "tap,fd=11,id=n,vhost=off",
                "-device", $"virtio-net-{bus},netdev=n{(pci ? ",romfile=" : "")}",
                "-device", $"virtio-rng-{bus}",
            ],
            Environment = ["PATH=/usr/bin"],
            Descriptors = [(nothing, 0), (serial, 1), (errors, 2), (disk, 10), (tap, 11)],
        });
    }
}
