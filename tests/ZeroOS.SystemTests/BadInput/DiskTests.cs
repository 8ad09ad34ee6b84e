using System.Security.Cryptography;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.BadInput;

/// <summary>Disks that are not ours, and disks with no room left.</summary>
public sealed class DiskTests
{
    private const long DiskBytes = 3L << 29;

    [Theory]
    [InlineData("ext4", "holds an ext file system")]
    [InlineData("random", "holds unknown data at byte ")]
    public async Task A_foreign_disk_stays_bit_for_bit_the_same_and_the_node_runs_in_memory(string content, string reason)
    {
        await using World world = await World.Make("bad-foreign-" + content, 8080);
        await world.Publish("nginx");
        string disk = Path.Combine(world.Folder, "disk.raw");
        await using (FileStream stream = File.Create(disk))
        {
            stream.SetLength(DiskBytes);
            stream.Position = DiskBytes / 2;
            if (content == "random")
                await stream.WriteAsync(RandomNumberGenerator.GetBytes(4 << 20));
        }
        if (content == "ext4")
            (await Command.Run("mke2fs", ["-q", "-t", "ext4", "-d", Checkout.Path("docs"), disk], TimeSpan.FromMinutes(1))).Ok();
        byte[] before = await Digest(disk);

        await world.Boot(fresh: true, "--drive", $"driver=raw,file.driver=file,file.filename={disk}");
        await world.Pin(world.Owner);
        NodeStatus status = await Status.Node(world.Owner);
        DiskStatus seen = Assert.Single(status.Disks!);
        Assert.Equal(("foreign", DiskBytes), (seen.State, seen.SizeBytes));
        Assert.StartsWith(reason, seen.Reason, StringComparison.Ordinal);
        NodeCondition storage = Assert.Single(status.Conditions, c => c.Name == "storage");
        Assert.Equal((false, "no-disk"), (storage.Ok, storage.Reason));

        // It works for as long as it has power.
        await world.Grant(world.OwnerKey, "8080");
        await DeployWeb(world);
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));
        await world.Owner.Ok("node", "shutdown");
        await world.Node.Ended(TimeSpan.FromSeconds(120));
        Assert.Equal(before, await Digest(disk));
    }

    [Fact]
    public async Task A_disk_without_room_is_named_as_the_reason_and_nothing_else_suffers()
    {
        await using World world = await World.Make("bad-full", 8080);
        await world.Publish("nginx");
        await world.Boot(fresh: true, "--disk", "1280M");
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");
        NodeStatus status = await Status.Node(world.Owner);
        long room = status.Capacity.Storage.Bytes >> 20;
        Assert.Equal("ours", Assert.Single(status.Disks!).State);

        // More than there is: refused at once, and nothing is kept.
        CommandResult refused = await Volume(world, room + 1);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("over-capacity", refused.Error, StringComparison.Ordinal);
        Assert.Contains("the node has", refused.Error, StringComparison.Ordinal);
        Assert.Empty(await Status.Names(world.Owner));

        // A volume and a machine that fit, but leave no room for the image.
        const int Machine = 128 + 8 + 1, Left = 8;
        (await Volume(world, room - Machine - 1 - Left)).Ok();
        await DeployWeb(world);
        WorkloadStatus nginx = await Status.Reason(world.Owner, "web", "nginx", "over-capacity", TimeSpan.FromSeconds(60), WorkloadState.BackingOff);
        Assert.Contains("which the node has not left", nginx.Message, StringComparison.Ordinal);
        await Status.NoPage(world.Ports[8080]);
        Assert.Equal(WorkloadState.Running, (await Status.Of(world.Owner, "full", "data")).State);
        Assert.Equal("ready", (await Status.Node(world.Owner)).Stage);

        // Room again: it goes on by itself.
        await world.Owner.Ok("delete", "full", "--volumes", "--yes");
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(90));
    }

    /// <summary>The example with a writable layer as small as it can be.</summary>
    private static async Task DeployWeb(World world)
    {
        string file = Path.Combine(world.Folder, "web.yaml"), example = await File.ReadAllTextAsync(Checkout.Path("examples", "web.yaml"));
        await File.WriteAllTextAsync(file, example.Replace("memory: 256MiB", "memory: 256MiB\n      rootfs: 128MiB", StringComparison.Ordinal));
        await world.Owner.Ok("deploy", file, "--registry", $"demo={world.Registry.Here}", "--detach");
    }

    private static async Task<CommandResult> Volume(World world, long mebibytes)
    {
        string file = Path.Combine(world.Folder, "full.yaml");
        await File.WriteAllTextAsync(file,
            FormattableString.Invariant($"name: full\nworkloads:\n  - name: data\n    type: zmount\n    data: {{ size: {mebibytes}MiB }}\n"));
        return await world.Owner.Run(TimeSpan.FromSeconds(60), "deploy", file);
    }

    private static async Task<byte[]> Digest(string file)
    {
        await using FileStream stream = File.OpenRead(file);
        return await SHA256.HashDataAsync(stream);
    }
}
