using System.Diagnostics;
using System.Globalization;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>One signed message makes a booted node run a real container image in its own micro-VM.</summary>
public sealed class FirstLightTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nginx_answers_soon_after_the_signed_message_on_a_node_that_has_never_seen_the_image()
    {
        await using World world = await World.Make("first-light", 8080);
        await world.Publish("nginx");
        await world.Boot();
        World.Figure(output, "guest seconds to ready, empty disk", ReadySeconds(world), "s");
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");

        Stopwatch watch = Stopwatch.StartNew();
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}", "--detach");
        // What is measured is the first answer: a question that was lost on the way is soon asked again.
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) }, impatient = new() { Timeout = TimeSpan.FromSeconds(3) };
        string page = await Eventually.Get("the page", TimeSpan.FromSeconds(120), async () =>
            await impatient.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}/"))));
        double seconds = watch.Elapsed.TotalSeconds, served = world.Network.Served;
        long all = new DirectoryInfo(Path.Combine(world.Folder, "nginx.flist", "blobs")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        World.Figure(output, "seconds from signed message to page", seconds, "s");
        World.Figure(output, "share of the image the registry had served by then", served / all, "");
        Assert.Contains("Served by nginx from a Zmachine", page, StringComparison.Ordinal);
        Assert.True(served < all / 2.0, $"the registry had served {served} of {all} bytes");

        await world.Node.PowerOff();
        await world.Boot(fresh: false);
        World.Figure(output, "guest seconds to ready, second boot", ReadySeconds(world), "s");
        await Eventually.Get("the page after a power cut", TimeSpan.FromSeconds(120), async () =>
            await http.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}/"))));
        Assert.Contains("running", await world.Owner.Ok("get", "web"), StringComparison.Ordinal);

        await world.Owner.Ok("delete", "web");
        await Eventually.Get("the end of the machine", TimeSpan.FromSeconds(60),
            async () => (await world.Owner.Ok("list")).Contains("web", StringComparison.Ordinal) ? null : "gone");
        await Assert.ThrowsAnyAsync<Exception>(() =>
            http.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}/"))));

        await using (Qmp hand = await world.Node.Monitor())
            await hand.PowerButton();
        await world.Node.Ended(TimeSpan.FromSeconds(60));
        Assert.Contains("going down how=PowerOff why=power button", world.Node.Serial, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_keeps_what_it_acknowledged_over_a_loss_of_power()
    {
        await using World world = await World.Make("redis", 6379);
        await world.Publish("redis");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "6379");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "redis.yaml"), "--registry", $"demo={world.Registry.Here}", "--detach");
        Redis redis = new(world.Ports[6379]);
        Assert.Equal("+OK", await Eventually.Get("redis to write", TimeSpan.FromSeconds(120), () => redis.Ask("SET light first")));
        await world.Node.PowerOff();

        await world.Boot(fresh: false);
        Assert.Equal("first",
            await Eventually.Get("redis to remember", TimeSpan.FromSeconds(120), async () => await redis.Ask("GET light") is "first" ? "first" : null));
    }

    private static double ReadySeconds(World world) =>
        double.Parse(world.Node.Says(@"zeroos: ready after ([0-9.]+) s", TimeSpan.FromSeconds(10)).Result, CultureInfo.InvariantCulture);
}
