using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>Role node is killed while guests serve: they go on, and it comes back and finds them.</summary>
public sealed class NodeDeathTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Kill_of_the_node_under_load_fails_no_request_and_the_bus_answers_again_soon()
    {
        int debugger = Ports.Free();
        await using World world = await World.Make("node-death", 8080);
        await world.Publish("nginx");
        await world.Boot(fresh: true, "--gdb", debugger.ToString(CultureInfo.InvariantCulture), "--append", "nokaslr");
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}", "--detach");
        Uri page = new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}/"));
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(20) };
        await Eventually.Get("the page", TimeSpan.FromSeconds(120), async () => await http.GetStringAsync(page));

        double bootSeconds = double.Parse(await world.Node.Says(@"zeroos: ready after ([0-9.]+) s", TimeSpan.FromSeconds(5)), CultureInfo.InvariantCulture);
        double seconds;
        using CancellationTokenSource enough = new();
        Task<int> load = Requests(http, page, enough.Token);
        try
        {
            int pid = int.Parse(await world.Node.Says(@"zeroos: node started pid=(\d+) starts=1", TimeSpan.FromSeconds(5)), CultureInfo.InvariantCulture);
            using (KernelDebugger kernel = new(debugger))
                kernel.Kill(pid);
            Stopwatch watch = Stopwatch.StartNew();
            await world.Node.Says("zeroos: node started pid=[0-9]+ starts=2", TimeSpan.FromSeconds(120));
            await Eventually.Get("an answer on the bus", TimeSpan.FromSeconds(120),
                async () => (await world.Owner.Run(TimeSpan.FromSeconds(10), "get", "web", "--timeout", "8")).Ok());
            seconds = watch.Elapsed.TotalSeconds;
            World.Figure(output, "seconds from SIGKILL of the node to an answer on the bus", seconds, "s");

            // The machine was adopted, not started again, and the node started once more and no more often.
            Assert.Contains("running", await world.Owner.Ok("get", "web"), StringComparison.Ordinal);
            Assert.Single(Regex.Matches(world.Node.Serial, "program=Monitor"));
            Assert.Equal(["1", "2"], Regex.Matches(world.Node.Serial, @"zeroos: node started pid=\d+ starts=(\d+)").Select(m => m.Groups[1].Value));
        }
        finally
        {
            await enough.CancelAsync();
            await Task.WhenAny(load); // what became of it is looked at below, if nothing failed before
        }
        int answered = await load;
        output.WriteLine($"{answered} requests answered, none failed");
        Assert.True(answered > 20, $"only {answered} requests were made");
        // The goal is 5 s (README, figures); a slow computer gets some more, and a slower one as much as it needs to start twice.
        double most = Math.Max(8, 2 * bootSeconds);
        Assert.True(seconds < most, $"the bus answered after {seconds:0.0} s, and this computer starts in {bootSeconds:0.0} s");
    }

    /// <summary>Asks for the page again and again; the first failure fails the test.</summary>
    private static async Task<int> Requests(HttpClient http, Uri page, CancellationToken enough)
    {
        int answered = 0;
        while (!enough.IsCancellationRequested)
        {
            Assert.Contains("Served by nginx", await http.GetStringAsync(page, CancellationToken.None), StringComparison.Ordinal);
            answered++;
        }
        return answered;
    }
}
