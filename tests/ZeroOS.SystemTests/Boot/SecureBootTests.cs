using System.Text.RegularExpressions;

using Xunit.Abstractions;

using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Boot;

/// <summary>With Secure Boot the firmware starts what was signed, to the last byte, and nobody without the key says anything to the kernel.</summary>
public sealed class SecureBootTests(ITestOutputHelper output)
{
    /// <summary>
    /// What somebody who can write the firmware's boot entries would like the kernel to hear. It has no "quiet", so a kernel that listens also talks.
    /// </summary>
    private const string Hostile = "console=ttyS0 lockdown=none mitigations=off nokaslr init=/bin/sh zeroos.owner=mine \u2603";

    [SkippableFact]
    public async Task A_signed_stick_boots_beside_a_TPM_and_hears_only_the_command_line_that_was_signed()
    {
        Skip.IfNot(Snakeoil.Missing is null, Snakeoil.Missing);
        await using World world = await World.Make("secure-boot");
        const string Signed = "consoleblank=0 panic=10 console=tty0 console=ttyS0 " + BootableImage.EmulatedKernel;
        Stick stick = await SignedStick(world, Signed);
        NodeStatus status = await Figures.Timed(output, "secure boot, TPM, USB 3 stick", () =>
            world.BootUnseen(options: ["--firmware", "secure", "--tpm", "--boot", $"{stick.File},as=usb",
                "--vars", HostileEntry(world, stick, "OVMF_VARS_4M.snakeoil.fd")]));
        Assert.Equal("ours", status.Disks!.Single(d => d.Serial == "zos-disk-0").State); // the farm settings beside the signed file were read
        Assert.Matches("Secure boot enabled", world.Node.Serial);
        Assert.Matches("Kernel is locked down from Kernel configuration", world.Node.Serial);
        Assert.Equal(Signed, await CommandLine(world));
    }

    [SkippableFact]
    public async Task One_flipped_byte_and_the_firmware_refuses_to_start_it()
    {
        Skip.IfNot(Snakeoil.Missing is null, Snakeoil.Missing);
        await using World world = await World.Make("secure-boot-flipped");
        Stick stick = await SignedStick(world, "consoleblank=0 panic=10 console=tty0 console=ttyS0", flip: true);
        world.Start(options: ["--firmware", "secure", "--boot", $"{stick.File},as=usb"]);
        string refusal = await Figures.Timed(output, "the firmware's refusal", () => world.Node.Says(
            "BdsDxe: failed to (?:load|start) Boot[^\n]*: (Access Denied|Security Violation)", TimeSpan.FromSeconds(180)));
        output.WriteLine(refusal);
        await world.Node.Says("No bootable option or device was found", TimeSpan.FromSeconds(180));
        Assert.DoesNotContain("Linux version", world.Node.Serial, StringComparison.Ordinal);
    }

    /// <summary>
    /// Without Secure Boot the boot entry's words do reach the kernel. What matters is compiled into it, and the node takes none of them for an order.
    /// </summary>
    [SkippableFact, Trait("length", "long")]
    public async Task Without_secure_boot_a_hostile_command_line_is_heard_and_weakens_nothing_that_is_compiled_in()
    {
        Skip.IfNot(Snakeoil.Missing is null, Snakeoil.Missing);
        await using World world = await World.Make("hostile-command-line");
        Stick stick = await SignedStick(world, "quiet");
        NodeStatus status = await world.BootUnseen(options: ["--firmware", "uefi", "--boot", $"{stick.File},as=usb",
            "--vars", HostileEntry(world, stick, "OVMF_VARS_4M.fd")]);
        Assert.StartsWith("console=ttyS0 lockdown=none", await CommandLine(world), StringComparison.Ordinal);
        Assert.Matches("Kernel is locked down from Kernel configuration", world.Node.Serial);
        Assert.Equal("ours", status.Disks!.Single(d => d.Serial == "zos-disk-0").State);
    }

    /// <summary>A stick whose EFI file has another command line, signed with the key the firmware knows, with the farm settings beside it.</summary>
    private static async Task<Stick> SignedStick(World world, string commandLine, bool flip = false)
    {
        string plain = Path.Combine(world.Folder, "plain.efi"), signed = Path.Combine(world.Folder, "signed.efi");
        await File.WriteAllBytesAsync(plain, await BootableImage.Efi(commandLine));
        await Snakeoil.Sign(plain, signed);
        if (flip)
            await Flip(signed);
        Stick stick = Stick.Copy(Path.Combine(world.Folder, "stick.img"));
        await stick.Put(signed, Stick.Efi);
        await stick.Put(world.FarmFile, Stick.Efi + ".extra.d/farm.cred");
        return stick;
    }

    private static async Task Flip(string file)
    {
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 0x01; // amid the initramfs
        await File.WriteAllBytesAsync(file, bytes);
    }

    /// <summary>Variables of a machine on which somebody put a boot entry of their own first: the stick's file, with arguments.</summary>
    private static string HostileEntry(World world, Stick stick, string origin)
    {
        string file = Path.Combine(world.Folder, "vars.fd");
        File.Copy(Path.Combine("/usr/share/OVMF", origin), file, overwrite: true);
        UefiVariables variables = UefiVariables.Open(file);
        variables.Put(UefiVariables.Global, "Boot0099", UefiVariables.LoadOption("Hostile", stick.Partition.Id, stick.Partition.FirstSector,
            stick.Partition.LastSector - stick.Partition.FirstSector + 1, @"\EFI\BOOT\BOOTX64.EFI", Hostile));
        variables.Put(UefiVariables.Global, "BootOrder", [0x99, 0x00]);
        return file;
    }

    private static async Task<string> CommandLine(World world)
    {
        // What it booted is the entry that was put there, or the test shows nothing.
        Assert.Matches("BdsDxe: starting Boot0099 \"Hostile\"", world.Node.Serial);
        string line = await world.Node.Says("Kernel command line: ([^\r\n]*)", TimeSpan.FromSeconds(5));
        return Regex.Replace(line, @"\s+$", "");
    }
}
