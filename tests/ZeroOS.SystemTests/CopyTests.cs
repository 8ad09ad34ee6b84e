using System.Diagnostics;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>Files into a machine on a booted node and out of it, by <c>zos cp</c>.</summary>
public sealed class CopyTests(ITestOutputHelper output)
{
    private const int MegabytesOut = 16, MegabytesIn = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_tree_goes_in_and_comes_out_the_same_and_a_link_of_the_workload_leads_nowhere_else()
    {
        await using World world = await World.Make("copy", 8080);
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}");
        string work = Directory.CreateTempSubdirectory("zeroos-copy").FullName;
        try
        {
            await CopyBothWays(world, work);
            await TryToLeadOut(world, work);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private async Task CopyBothWays(World world, string work)
    {
        (await Shell(world, $"cd {work} && mkdir -p in/deep && echo hello > in/f && ln -s f in/l && ln in/f in/deep/g && chmod 600 in/f "
            + $"&& head -c {MegabytesIn}M /dev/urandom > in/deep/big")).Ok();
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Equal("", (await Copy(world, $"{work}/in", "web/nginx:/srv/new")).Ok());
        World.Figure(output, "MB a second of a copy into a machine", MegabytesIn / watch.Elapsed.TotalSeconds, "MB/s");
        Assert.Equal("hello", (await Exec(world, "cat", "/srv/new/l")).Ok());
        Assert.Equal("600 root 2", (await Exec(world, "stat", "-c", "%a %U %h", "/srv/new/f")).Ok());
        Assert.Equal("", (await Copy(world, $"{work}/in/f", "web/nginx:/srv")).Ok());
        Assert.Equal("hello", (await Exec(world, "cat", "/srv/f")).Ok());

        Assert.Equal("", (await Copy(world, "web/nginx:/srv/new", $"{work}/out")).Ok());
        Assert.Equal("", (await Shell(world, $"diff -r {work}/in {work}/out")).Ok());
        Assert.Equal("f", new FileInfo($"{work}/out/l").LinkTarget);
        (await Exec(world, "sh", "-c", $"head -c {MegabytesOut}M /dev/zero > /srv/zeros")).Ok();
        watch.Restart();
        Assert.Equal($"{MegabytesOut << 20}", (await Shell(world, "$ZOS cp web/nginx:/srv/zeros - | tar -xO | wc -c")).Ok());
        World.Figure(output, "MB a second of a copy out of a machine", MegabytesOut / watch.Elapsed.TotalSeconds, "MB/s");
        Assert.Equal("", (await Shell(world, $"tar -c -C {work}/in . | $ZOS cp - web/nginx:/tmp")).Ok());
        Assert.Equal("hello", (await Exec(world, "cat", "/tmp/f")).Ok());

        CommandResult absent = await Copy(world, "web/nginx:/no/such/file", $"{work}/absent");
        Assert.Equal(1, absent.ExitCode);
        Assert.Contains("no such file", absent.Error, StringComparison.Ordinal);
        Assert.False(File.Exists($"{work}/absent"));
    }

    // zguest's own root has /init, which no workload's has; the workload's links are resolved in its own.
    private static async Task TryToLeadOut(World world, string work)
    {
        (await Exec(world, "sh", "-c",
            "mkdir /srv/evil; ln -s ../../../../../../init /srv/evil/init; ln -s / /srv/evil/root; ln -s /proc/1/root /srv/evil/magic")).Ok();
        Assert.Equal(1, (await Copy(world, "-L", "web/nginx:/srv/evil/init", $"{work}/init")).ExitCode);
        Assert.Equal("", (await Copy(world, "web/nginx:/srv/evil/root/etc/hostname", $"{work}/hostname")).Ok());
        Assert.Equal((await Exec(world, "cat", "/etc/hostname")).Ok(), (await File.ReadAllTextAsync($"{work}/hostname")).Trim());
        CommandResult left = await Copy(world, "web/nginx:/srv/evil", $"{work}/evil");
        Assert.Equal(0, left.ExitCode);
        Assert.Contains("leads out", left.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries($"{work}/evil"));
        CommandResult through = await Shell(world,
            $"cd {work} && mkdir -p t/root && echo evil > t/root/planted && tar -c -C t root/planted | $ZOS cp - web/nginx:/srv/evil");
        Assert.Equal(1, through.ExitCode);
        Assert.Contains("through a symbolic link", through.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await Exec(world, "test", "-e", "/planted")).ExitCode);
    }

    private static Task<CommandResult> Copy(World world, params string[] arguments) => world.Owner.Run(s_patience, ["cp", .. arguments]);

    private static Task<CommandResult> Exec(World world, params string[] arguments) => world.Owner.Run(s_patience, ["exec", "web/nginx", .. arguments]);

    private static Task<CommandResult> Shell(World world, string line) => world.Owner.Shell(s_patience, line);
}
