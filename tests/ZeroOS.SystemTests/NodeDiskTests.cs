using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>Used disks of a booted node, and what two of its owners together order about them: zos node disk.</summary>
public sealed class NodeDiskTests
{
    private const long DiskBytes = 1280L << 20;
    private static readonly TimeSpan s_soon = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_used_disk_is_erased_and_another_claimed_by_two_of_two_owners_alone_and_the_node_lives_on_without_its_first_disk()
    {
        using TimeServer time = new();
        await using World world = await World.Make("node-disks");
        Zos other = new(Path.Combine(world.Folder, "other")), stranger = new(Path.Combine(world.Folder, "stranger"));
        await TwoOwners(world, other, time.Port);
        await stranger.NewKey();
        string first = await Disk(world, "first"), ext = await Disk(world, "ext4"), gpt = await Disk(world, "gpt");
        (await Command.Run("mke2fs", ["-q", "-t", "ext4", "-d", Checkout.Path("docs"), ext], s_soon)).Ok();
        (await Command.Run("sgdisk", ["-n", "1:2048:0", gpt], s_soon)).Ok();
        (await Command.Run("mke2fs", ["-q", "-t", "ext4", "-E", "offset=1048576", gpt, "600M"], s_soon)).Ok();
        byte[][] before = [await Digest(ext), await Digest(gpt)];

        await world.Boot(fresh: true, [.. Drives(first, ext, gpt)]);
        await world.Pin(world.Owner);
        await world.Pin(other);
        await world.Grant(world.OwnerKey, "8080");
        await Deploy(world, "early", 1);

        // Which disks there are, what is on them, and what to type.
        string list = await world.Owner.Ok("node", "disk", "list");
        Assert.Matches("zos-disk-0 .*ours +in use", list);
        Assert.Matches("zos-disk-1 .*foreign +holds an ext file system", list);
        Assert.Contains("zos node disk claim zos-disk-1, or ", list, StringComparison.Ordinal);
        DiskDetails[] disks = await Disks(world);
        Assert.Equal(["ours", "foreign", "foreign"], disks.Select(d => d.Disk.State));
        Assert.Equal([DiskBytes, DiskBytes, DiskBytes], disks.Select(d => d.Disk.SizeBytes));
        Assert.Contains("partition table", disks[2].Disk.Reason, StringComparison.Ordinal);
        Assert.All(disks, d => Assert.Matches("^[0-9a-f]{64}$", d.DiskId));
        Assert.Null(disks[0].ContentId);
        Assert.All(disks[1..], d => Assert.Matches("^[0-9a-f]{64}$", d.ContentId));
        long room = (await Status.Node(world.Owner)).Capacity.Storage.Bytes;

        // One owner is too few, whoever else has signed; a stranger sees nothing.
        string erase = Path.Combine(world.Folder, "erase"), claim = Path.Combine(world.Folder, "claim");
        await world.Owner.Ok("node", "disk", "erase", "zos-disk-2", "-o", erase);
        await world.Owner.Ok("node", "disk", "claim", "zos-disk-1", "-o", claim);
        await Eventually.Get("the clock to be set", s_soon,
            async () => (await Status.Node(world.Owner)).Conditions.Any(c => c is { Name: "clock", Ok: true }) ? "set" : null);
        await Refused(world, "denied", "1 of the farm's owners have signed it, 2 must", "erase", erase);
        await stranger.Ok("node", "disk", "sign", erase);
        await Refused(world, "denied", "1 of the farm's owners have signed it, 2 must", "erase", erase);
        await Refused(world, "denied", "1 of the farm's owners have signed it, 2 must", "claim", claim);
        await world.Pin(stranger);
        Assert.Equal(1, (await stranger.Run(s_soon, "node", "disk", "list")).ExitCode);

        // Enough have signed, but somebody writes to the disk before the order comes.
        await other.Ok("node", "disk", "sign", erase);
        await other.Ok("node", "disk", "sign", claim);
        Write(ext, DiskBytes - 1, 1);
        await Refused(world, "conflict", "is not what the order was signed for", "claim", claim);
        Write(ext, DiskBytes - 1, 0);
        Assert.Equal(["foreign", "foreign"], (await Disks(world))[1..].Select(d => d.Disk.State));
        Assert.Equal(before, [await Digest(ext), await Digest(gpt)]);

        // The order was not spent by that; what is on the disk is what was signed for again.
        await world.Owner.Ok("node", "disk", "erase", "--order", erase, "--yes");
        await Eventually.Get("the erased disk to be empty", s_soon, async () => (await Disks(world))[2].Disk.State == "empty" ? "empty" : null);
        Assert.True(await IsZero(gpt), "the erased disk is not all zeros");
        await Refused(world, "conflict", "is not what the order was signed for", "erase", erase);
        await world.Owner.Ok("node", "disk", "claim", "--order", claim, "--yes");
        // The node starts again with the claimed disk, and takes the empty one too.
        await Eventually.Get("three disks of the node", s_soon,
            async () => (await Disks(world)).All(d => d.Disk is { State: "ours", Reason: "in use" }) ? "three" : null);
        foreach (Zos owner in (Zos[])[world.Owner, other])
            Assert.Equal(["erased", "claimed"], await DiskEvents(owner));
        NodeStatus grown = await Eventually.Get("the node to be ready",
            s_soon, async () => await Status.Node(world.Owner) is { Stage: "ready" } ready ? ready : null);
        Assert.InRange(grown.Capacity.Storage.Bytes, 2.5 * room, 3.5 * room);
        Assert.Contains(grown.Conditions, c => c is { Name: "storage", Ok: true });
        await Deploy(world, "late", 2);

        // Its first disk is taken out: the same node, with all that was acknowledged.
        await world.Node.PowerOff();
        await world.Boot(fresh: false, [.. Drives(ext, gpt)]);
        await Ready(world, 2);
        Assert.Equal(["early 1", "late 1"], (await Status.Names(world.Owner)).Order());
        await Granted(world);
        await Deploy(world, "alone", 3);
        await Deploy(world, "late", 4);

        // It is put back, older than the others: it follows, though it is the first of the node's disks.
        await world.Node.PowerOff();
        await world.Boot(fresh: false, [.. Drives(first, ext, gpt)]);
        await Ready(world, 3);
        Assert.Equal(["alone 1", "early 1", "late 2"], (await Status.Names(world.Owner)).Order());
        await Granted(world);
    }

    /// <summary>Settings of two owners who must both sign, and a time server that the node reaches: an order has an end.</summary>
    private static async Task TwoOwners(World world, Zos other, int timePort)
    {
        File.Delete(world.FarmFile);
        await world.Owner.Ok("farm", "new", "--owner", world.OwnerKey, "--owner", await other.NewKey(), "--threshold", "2", "--name", world.Name,
            "--time-server", string.Create(CultureInfo.InvariantCulture, $"10.0.2.2:{timePort}"), "-o", world.FarmFile);
        await other.Ok("farm", "sign", world.FarmFile);
    }

    private static async Task<string> Disk(World world, string name)
    {
        string file = Path.Combine(world.Folder, name + ".raw");
        await using FileStream stream = File.Create(file);
        stream.SetLength(DiskBytes);
        return file;
    }

    private static IEnumerable<string> Drives(params string[] files) =>
        files.SelectMany(f => (string[])["--drive", $"driver=raw,file.driver=file,file.filename={f}"]);

    private static void Write(string file, long at, byte value)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = at;
        stream.WriteByte(value);
    }

    private static async Task<bool> IsZero(string file)
    {
        await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] buffer = new byte[4 << 20];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0 && !buffer.AsSpan(0, read).ContainsAnyExcept((byte)0)) { }
        return read == 0;
    }

    private static async Task<byte[]> Digest(string file)
    {
        await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return await SHA256.HashDataAsync(stream);
    }

    /// <summary>The node looks at each disk anew, which takes a loaded computer its time.</summary>
    private static async Task<DiskDetails[]> Disks(World world) =>
        [.. JsonSerializer.Deserialize((await world.Owner.Run(s_soon, "node", "disk", "list", "--json")).Ok(), BusJson.Default.DiskList)!.Disks
            .OrderBy(d => d.Disk.Serial)];

    private static async Task Refused(World world, string code, string why, string verb, string order)
    {
        CommandResult result = await world.Owner.Run(s_soon, "node", "disk", verb, "--order", order, "--yes");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(code, result.Error, StringComparison.Ordinal);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    private static async Task Deploy(World world, string name, int range)
    {
        string file = Path.Combine(world.Folder, name + ".yaml");
        await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture,
            $"name: {name}\nworkloads:\n  - name: net\n    type: network\n    data: {{ range: 10.{range}.0.0/24 }}\n"));
        await world.Owner.Ok("deploy", file);
    }

    private static async Task<string[]> DiskEvents(Zos owner) =>
        [.. (await owner.Ok("events", "--json")).Split('\n').Select(l => JsonSerializer.Deserialize(l, BusJson.Default.NodeEvent)!)
            .Where(e => e.Kind == "node-disk").Select(e => e.Reason!)];

    private static async Task Ready(World world, int disks)
    {
        DiskDetails[] seen = await Eventually.Get("the node's disks", s_soon, async () => await Disks(world));
        Assert.Equal(disks, seen.Count(d => d.Disk is { State: "ours", Reason: "in use" }));
        Assert.Equal(disks, seen.Length);
    }

    private static async Task Granted(World world) =>
        Assert.Equal(world.OwnerKey, Assert.Single(JsonSerializer.Deserialize(await world.Owner.Ok("grant", "list", "--json"),
            BusJson.Default.GrantList)!.Grants).Grantee);
}
