using System.Security.Cryptography;

using Xunit.Abstractions;

using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// The identity of a node with a TPM, from boot to boot, while image and mainboard change. Images are the built one with farm settings put inside and the PCR
/// policy signed by the test's keys: other settings or another key are another image, whose PCR 11 is another.
/// </summary>
public sealed class SealingTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Identity_is_sealed_follows_a_signed_update_and_is_recovered_on_a_new_mainboard()
    {
        SkipWithout();
        await using World world = await World.Make("sealing");
        string key = NewKey(world, "maker");
        // The update carries settings of another farm with the same owner: it opens the identity, and does not get to say whose the node is, nor who may
        // recover it.
        string otherFarm = Path.Combine(world.Folder, "other.cred"), otherRecoveryKey = Path.Combine(world.Folder, "other.recovery"),
            recoveryKey = Path.Combine(world.Folder, "recovery");
        File.WriteAllText(otherRecoveryKey, await world.Owner.Ok("farm", "new", "--owner", world.OwnerKey, "--name", "other", "-o", otherFarm));
        File.WriteAllText(recoveryKey, world.RecoveryKey);
        string first = await Image(world, "first", world.FarmFile, key), update = await Image(world, "update", otherFarm, key);

        await world.BootUnseen(options: ["--efi", "--image", first, "--tpm"]);
        Assert.Equal("attested", (await Info(world)).Tier);
        await world.Node.PowerOff();

        await world.BootUnseen(fresh: false, options: ["--efi", "--image", update, "--tpm"]);     // asserts that the node's id is the same
        Assert.Equal("attested", (await Info(world)).Tier);
        NodeStatus status = await Status.Node(world.Owner);
        NodeCondition farm = Assert.Single(status.Conditions, c => c.Name == "farm");
        Assert.Equal((false, "settings-foreign"), (farm.Ok, farm.Reason));
        Assert.Contains($"of farm \"{world.Name}\" stays in force", farm.Message, StringComparison.Ordinal);
        await world.Node.PowerOff();

        string mainboard = Path.Combine(world.Folder, "mainboard");
        NodeInfo locked = await world.BootLocked("--efi", "--image", update, "--tpm-state", mainboard);
        Assert.Equal("other-tpm", locked.Locked!.Reason);
        CommandResult asked = await world.Owner.Run(TimeSpan.FromMinutes(1), "node", "status");
        Assert.NotEqual(0, asked.ExitCode);
        Assert.Contains("the node is locked", asked.Error, StringComparison.Ordinal);
        CommandResult refused = await Recover(world, otherRecoveryKey, locked.Id);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("(denied)", refused.Error, StringComparison.Ordinal);
        CommandResult recovered = await Recover(world, recoveryKey, locked.Id);
        output.WriteLine(recovered.Error + recovered.Output);
        Assert.Contains($"is {world.NodeKey} again", recovered.Ok(), StringComparison.Ordinal);
        await Eventually.Get("the recovered node to be ready", TimeSpan.FromSeconds(60),
            async () => await Status.Node(world.Owner) is { Stage: "ready" } ready ? ready : null);
    }

    [SkippableFact]
    [Trait("length", "long")]
    public async Task Identity_in_the_open_is_sealed_by_an_upgrade_and_another_makers_image_is_locked_out()
    {
        SkipWithout();
        await using World world = await World.Make("sealing-long");
        string key = NewKey(world, "maker");
        string signed = await Image(world, "signed", world.FarmFile, key), foreign = await Image(world, "foreign", world.FarmFile, NewKey(world, "other"));

        await world.BootUnseen(options: ["--efi", "--image", await BootableImage.Folder, "--tpm"]);    // the built image carries no signed policy
        Assert.Equal("open", (await Info(world)).Tier);
        await world.Node.PowerOff();
        for (int boot = 0; boot < 2; boot++)                    // sealed by the first, unsealed by the second
        {
            await world.BootUnseen(fresh: false, options: ["--efi", "--image", signed, "--tpm"]);
            Assert.Equal("attested", (await Info(world)).Tier);
            await world.Node.PowerOff();
        }

        Assert.Equal("image-not-signed", (await world.BootLocked("--efi", "--image", foreign, "--tpm")).Locked!.Reason);
        await world.Node.PowerOff();
        Assert.Equal("image-not-signed", (await world.BootLocked("--efi", "--image", await BootableImage.Folder, "--tpm")).Locked!.Reason);
        await world.Node.PowerOff();
        NodeInfo bare = await world.BootLocked("--efi", "--image", signed);
        Assert.Equal("no-tpm", bare.Locked!.Reason);

        // Owners may still restart and switch it off, under its temporary id.
        await world.Owner.Ok("node", "shutdown", "--node", $"{bare.Id}@{world.BusAddress}");
        await world.Node.Ended(TimeSpan.FromMinutes(2));
        await world.BootUnseen(fresh: false, options: ["--efi", "--image", signed, "--tpm"]);
    }

    private static void SkipWithout()
    {
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        Skip.IfNot(File.Exists("/usr/bin/swtpm_setup"), "swtpm-tools is not installed");
    }

    private static string NewKey(World world, string name)
    {
        string path = Path.Combine(world.Folder, name + ".pem");
        using RSA key = RSA.Create(2048);
        using FileStream file = new(path,
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        file.Write(System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        return path;
    }

    /// <summary>A folder with an image as qemu/run takes it.</summary>
    private static async Task<string> Image(World world, string name, string farm, string key)
    {
        string folder = Path.Combine(world.Folder, name);
        Directory.CreateDirectory(folder);
        await world.Owner.Ok("image", "seal", "--image", await BootableImage.File("zeroos.efi"), "--farm", farm, "--pcr-key", key,
            "-o", Path.Combine(folder, "zeroos.efi"));
        return folder;
    }

    private static async Task<NodeInfo> Info(World world) =>
        System.Text.Json.JsonSerializer.Deserialize(await world.Owner.Ok("node", "info", "--json"), BusJson.Default.NodeInfo)!;

    private static Task<CommandResult> Recover(World world, string keyFile, string temporaryId) =>
        world.Owner.Run(TimeSpan.FromMinutes(3), "node", "recover", world.Name, "--recovery-key", keyFile, "--temporary-id", temporaryId);
}
