using System.Globalization;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// <c>make siege</c> against a booted node: attackers with 65,000 addresses each flood its bus, a tenant's guest dials and floods, and machines of that
/// tenant wait for a registry that dribbles and forges. Meanwhile an owner and another tenant work. The emulated processor is some twenty times slower than
/// the attackers' computer, and their numbers are divided by that.
/// </summary>
[Trait("length", "long")]
public sealed class SiegeTests(ITestOutputHelper output)
{
    private static readonly int s_seconds =
        int.TryParse(Environment.GetEnvironmentVariable("ZEROOS_SIEGE_SECONDS"), CultureInfo.InvariantCulture, out int seconds) ? seconds : 60;

    [SkippableFact]
    public async Task An_owner_and_a_tenant_are_answered_in_time_and_nothing_dies_while_strangers_and_a_tenant_flood_a_node()
    {
        Skip.IfNot(Lan.Missing is null, Lan.Missing);
        await using World world = await World.Make("siege");
        Zos tenant = new(Path.Combine(world.Folder, "tenant")), hostile = new(Path.Combine(world.Folder, "hostile"));
        string tenantKey = await tenant.NewKey(), hostileKey = await hostile.NewKey();
        await using Lan lan = new(world.Folder);
        foreach (string networks in (string[])["10.8.0.0/13", "10.16.0.0/12"])  // honest users', attackers': all of their addresses are this computer's
            lan.Tool("ip", "route", "add", "local", networks, "dev", "lo");
        world.Join(lan);
        await world.Publish("flood");
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Pin(hostile);
        await world.Grant(tenantKey, "8080");
        await world.Grant(hostileKey, "9000-9999");

        await hostile.Ok("deploy", File("flood", "flood", 1), "--registry", $"demo={world.Registry.Here}", "--detach");
        await Eventually.Get("the guest to begin", TimeSpan.FromSeconds(120), async () =>
            (await hostile.Ok("logs", "flood/machine0")).Contains("the flood begins", StringComparison.Ordinal) ? "begun" : null);
        (world.Network.BytesPerSecond, world.Network.CorruptFrom) = (2000, 1);
        await hostile.Ok("deploy", File("slow", "nginx", 3), "--registry", $"demo={world.Registry.Here}", "--detach");

        CommandResult siege = await lan.Space.Run(() => Command.Run("dotnet",
        [
            Checkout.Path("out", "dotnet", "bin", "ZeroOS.Siege", "release", "zsiege.dll"), "--host", Lan.First.ToString(), "--node", world.NodeKey,
            "--keys", world.Folder, "--network", "10", "--slower", "20", "--seconds", s_seconds.ToString(CultureInfo.InvariantCulture),
        ], TimeSpan.FromSeconds(s_seconds + 180)));
        output.WriteLine(siege.Output);
        string log = world.Node.Serial;
        Assert.DoesNotContain("door ended", log, StringComparison.Ordinal);
        Assert.DoesNotContain("oom-kill", log, StringComparison.Ordinal);
        Assert.DoesNotContain("event=door-broken", log, StringComparison.Ordinal);
        Skip.If(siege.ExitCode == 3, siege.Output.TrimEnd().Split('\n')[^1]);
        Assert.True(siege.ExitCode == 0, $"{siege.Output}\n{siege.Error}");

        string File(string name, string image, int machines)
        {
            string path = Path.Combine(world.Folder, $"{name}.yaml");
            System.IO.File.WriteAllText(path, $"name: {name}\nworkloads:\n  - name: net\n    type: network\n    data: {{ range: 10.77.{machines}.0/24 }}\n"
                + string.Concat(Enumerable.Range(0, machines).Select(i =>
                    $"  - name: machine{i}\n    type: zmachine\n    data:\n      flist: {{ reference: demo/{image}:1 }}\n"
                    + "      cpu: 1\n      memory: 128MiB\n      networks: [ { network: net } ]\n")));
            return path;
        }
    }
}
