using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// Machines with nothing but a network card become nodes of a farm, beside the DHCP server that their network has: zos image serve says where from and sends
/// the rest, settings among it. Only the bus tells that they run, for they say nothing on a serial line.
/// </summary>
public sealed class NetBootTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_load = TimeSpan.FromSeconds(300), s_boot = TimeSpan.FromSeconds(150);

    [SkippableFact]
    public async Task A_uefi_and_a_bios_machine_boot_at_once_and_know_their_owner()
    {
        Skip.If(BootLan.Missing is not null, BootLan.Missing);
        Farmer farmer = await Farmer.Settle("netboot");
        await using BootLan lan = new(farmer.Folder);
        await lan.Serve("--image", await BootableImage.File("netboot"), "--farm", farmer.Settings);
        lan.Boot("netboot-uefi", "--firmware", "uefi", "--memory", "2000");
        lan.Boot("netboot-bios", "--firmware", "bios", "--memory", "2000");
        BootEvent uefi = await lan.Saw("loaded", "UEFI PXE", s_load, "zeroos.efi"), bios = await lan.Saw("loaded", "iPXE BIOS", s_load, "initramfs.cpio.zst");
        World.Figure(output, "UEFI PXE: the EFI file by TFTP in emulation", uefi.BytesPerSecond / 1e6, "MB/s");
        World.Figure(output, "BIOS iPXE: the initramfs by HTTP in emulation", bios.BytesPerSecond / 1e6, "MB/s");
        await farmer.Owns(await lan.Answers(uefi.Machine, s_boot), "n1");
        await farmer.Owns(await lan.Answers(bios.Machine, s_boot), "n2");
        await lan.Saw("runs", "UEFI PXE", TimeSpan.FromSeconds(5));
        await lan.Saw("runs", "iPXE BIOS", TimeSpan.FromSeconds(5));
        output.WriteLine(lan.Said());
    }

    [SkippableFact]
    [Trait("length", "long")]
    public async Task Uefi_http_boot_and_pxelinux_make_nodes_too()
    {
        Skip.If(BootLan.Missing is not null, BootLan.Missing);
        Farmer farmer = await Farmer.Settle("netboot-http");
        // Without a script for it iPXE is a BIOS card like any other, and loads PXELINUX.
        string files = Path.Combine(farmer.Folder, "netboot");
        (await Command.Run("cp", ["-a", await BootableImage.File("netboot"), files], TimeSpan.FromSeconds(30))).Ok();
        File.Delete(Path.Combine(files, "zeroos.ipxe"));
        await using BootLan lan = new(farmer.Folder);
        await lan.Serve("--image", files, "--farm", farmer.Settings);
        lan.Boot("netboot-http", "--firmware", "uefi", "--http-boot", "--memory", "2000");
        lan.Boot("netboot-pxelinux", "--firmware", "bios", "--memory", "2000");
        BootEvent http = await lan.Saw("loaded", "UEFI HTTP", s_load, "zeroos.efi");
        BootEvent bios = await lan.Saw("loaded", "iPXE BIOS", s_load, "initramfs.cpio.zst");
        await lan.Saw("loaded", "iPXE BIOS", s_load, "farm.cpio");
        World.Figure(output, "UEFI HTTP boot: the EFI file in emulation", http.BytesPerSecond / 1e6, "MB/s");
        World.Figure(output, "PXELINUX: the initramfs by TFTP in emulation", bios.BytesPerSecond / 1e6, "MB/s");
        await farmer.Owns(await lan.Answers(http.Machine, s_boot), "n1");
        await farmer.Owns(await lan.Answers(bios.Machine, s_boot), "n2");
        output.WriteLine(lan.Said());
    }

    [SkippableFact]
    [Trait("length", "long")]
    public async Task A_node_from_the_network_updates_to_what_is_served_and_says_when_that_is_something_else()
    {
        Skip.If(BootLan.Missing is not null, BootLan.Missing);
        await using World world = await World.Make("netboot-update");
        Releases makers = await Releases.Make(world);
        string first = await makers.Image("1.0.0"), next = await makers.Image("1.1.0"), absent = await makers.Image("1.2.0"),
            served = Path.Combine(world.Folder, "served");
        await Serve(first, served);
        await using BootLan lan = new(world.Folder);
        await lan.Serve("--image", served, "--farm", world.FarmFile);
        lan.Boot("netboot-update", "--firmware", "uefi", "--memory", "2000", "--reboot");
        BootEvent loaded = await lan.Saw("loaded", "UEFI PXE", s_load, "zeroos.efi");
        await world.Owner.Ok("node", "add", "n1", await lan.Answers(loaded.Machine, s_boot));
        await Eventually.Get("the node to be ready", s_boot, async () => await Status.Node(world.Owner) is { Stage: "ready" } ready ? ready : null);

        Task<CommandResult> Update(string release) =>
            world.Owner.Run(TimeSpan.FromMinutes(5), "node", "update", "--release", release, "--wait", "--timeout", "280");
        Assert.Contains("1 of the 3 release keys have signed", (await Update(await makers.Release(next, signatures: 1, push: false))).Error,
            StringComparison.Ordinal);
        await Serve(next, served);
        Assert.Equal("1.1.0 runs and is kept", (await Update(await makers.Release(next, push: false))).Ok());
        Assert.Contains("older than 1.1.0", (await Update(await makers.Release(first, minimum: "0.9.0", push: false))).Error, StringComparison.Ordinal);

        CommandResult other = await Update(await makers.Release(absent, push: false));
        output.WriteLine(other.Error);
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("the update to 1.2.0 failed, 1.1.0 runs", other.Error, StringComparison.Ordinal);
    }

    private static async Task Serve(string image, string folder) =>
        (await Command.Run("cp", ["-rT", "--remove-destination", Path.Combine(image, "netboot"), folder], TimeSpan.FromSeconds(30))).Ok();

    /// <summary>A person with a key and farm settings.</summary>
    private sealed class Farmer(string folder)
    {
        private readonly Zos _zos = new(Path.Combine(folder, "owner"));

        public string Folder { get; } = folder;

        public string Settings => Path.Combine(Folder, "farm.cred");

        public static async Task<Farmer> Settle(string name)
        {
            Farmer farmer = new(Checkout.Scratch(name));
            await farmer._zos.Ok("farm", "new", "--owner", await farmer._zos.NewKey(), "--name", name, "-o", farmer.Settings);
            return farmer;
        }

        /// <summary>The node is ready and tells the farmer what it tells an owner only: which disks it has.</summary>
        public async Task Owns(string node, string name)
        {
            await _zos.Ok("node", "add", name, node);
            string status = await Eventually.Get($"{name} to be ready", s_boot,
                async () => await _zos.Ok("node", "status", "--node", name) is string s && s.Contains("ready", StringComparison.Ordinal) ? s : null);
            Assert.Contains("vda", status, StringComparison.Ordinal);
        }
    }
}
