using System.Diagnostics;
using System.Globalization;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;
using ZeroOS.SystemTests.Documented;

namespace ZeroOS.SystemTests;

/// <summary>docs/farmers.md, typed in as it stands: from an image to a stick, a node and a page served from it.</summary>
public sealed class FarmersPathTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_typing = TimeSpan.FromMinutes(5);

    [SkippableFact]
    public async Task A_farmer_who_types_what_the_page_says_has_a_node_that_runs_a_container()
    {
        Skip.IfNot(File.Exists("/usr/bin/zbarimg"), "zbar-tools is not installed");
        await using World world = await World.Make("farmers-path");
        await world.Publish("nginx");
        if (Directory.Exists(Checkout.Path("out", "nodes", "farmer")))
            Directory.Delete(Checkout.Path("out", "nodes", "farmer"), recursive: true);
        await using Reader farmer = Reader.Open(Checkout.Path("docs", "farmers.md"), Path.Combine(world.Folder, "desk"), ("ZEROOS", await BootableImage.Root),
            ("REGISTRY_HERE", world.Registry.Here),
            ("REGISTRY_FOR_NODES", string.Create(CultureInfo.InvariantCulture, $"http://10.0.2.2:{world.Network.Port}")));
        Stopwatch watch = Stopwatch.StartNew();
        await farmer.Run("farm", s_typing);
        await farmer.Run("flash", s_typing);
        World.Figure(output, "farmer's path: seconds to a stick", watch.Elapsed.TotalSeconds, "s");
        await farmer.Run("boot", s_typing);
        await World.WhoIsThere(18051, TimeSpan.FromMinutes(3), () => { }); // what a person sees on the screen: the node's id is there
        World.Figure(output, "farmer's path: seconds to a node", watch.Elapsed.TotalSeconds, "s");
        await farmer.Run("pin", s_typing);
        await farmer.Run("work", s_typing);
        World.Figure(output, "farmer's path: seconds to a page", watch.Elapsed.TotalSeconds, "s");
        await farmer.RunTheRest(s_typing);
    }
}
