using Xunit.Abstractions;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>One EFI file on a FAT disk, with the farm settings beside it, is a node. It says nothing on the serial line then: only the bus tells.</summary>
public sealed class EfiBootTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Uefi_firmware_boots_the_one_file_from_a_usb_stick_to_a_node_that_knows_its_owner()
    {
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        await using World world = await World.Make("efi");
        using IdentityKey anybody = IdentityKey.Generate();
        await world.BootUnseen(async () =>
        {
            using HttpTransport wire = new("127.0.0.1", world.Ports[8051], TimeSpan.FromSeconds(2));
            using CancellationTokenSource timer = new(TimeSpan.FromSeconds(5));
            return (await BusClient.WhoIsThereAsync(anybody, wire, TimeProvider.System, timer.Token)).Id;
        }, "--efi");
        await world.Pin(world.Owner);
        string status = await world.Owner.Ok("node", "status");
        Assert.Contains("ready", status, StringComparison.Ordinal);
        Assert.Contains("vda", status, StringComparison.Ordinal); // only an owner is told of disks: the settings beside the file were read
        output.WriteLine(status);
    }
}
