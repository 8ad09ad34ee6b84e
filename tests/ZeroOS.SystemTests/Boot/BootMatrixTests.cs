using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Boot;

/// <summary>
/// Every medium on every bus by both kinds of firmware, up to ready on the bus. The rest of the boot paths: Secure Boot in <see cref="SecureBootTests"/>, a
/// flashed stick by UEFI in <see cref="FarmersPathTests"/>.
/// </summary>
public sealed class BootMatrixTests(ITestOutputHelper output)
{
    [SkippableFact]
    public Task A_disk_by_BIOS_and_a_CD_by_UEFI_come_to_ready() => Boot("boot-matrix-short",
        new BootPath("disk on SATA, BIOS", "zeroos.img", "sata", "bios"),
        new BootPath("CD, UEFI", "zeroos.iso", "cd", "uefi"));

    [SkippableFact, Trait("length", "long")]
    public Task Every_medium_on_every_bus_comes_to_ready() => Boot("boot-matrix",
        new BootPath("stick on USB 3, BIOS", "zeroos.img", "usb", "bios"),
        new BootPath("disk on NVMe, BIOS", "zeroos.img", "nvme", "bios"),
        new BootPath("disk on virtio, BIOS", "zeroos.img", "virtio", "bios"),
        new BootPath("CD, BIOS", "zeroos.iso", "cd", "bios"),
        new BootPath("ISO on USB 3, BIOS", "zeroos.iso", "usb", "bios"),
        new BootPath("stick on USB 3, UEFI", "zeroos.img", "usb", "uefi"),
        new BootPath("disk on SATA, UEFI", "zeroos.img", "sata", "uefi"),
        new BootPath("disk on NVMe, UEFI, TPM", "zeroos.img", "nvme", "uefi", "--tpm"),
        new BootPath("disk on virtio, UEFI", "zeroos.img", "virtio", "uefi"),
        new BootPath("ISO on USB 3, UEFI", "zeroos.iso", "usb", "uefi"));

    private async Task Boot(string name, params BootPath[] paths)
    {
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        await using World world = await World.Make(name);
        await new BootMatrix(world, output).Boot(paths);
    }
}
