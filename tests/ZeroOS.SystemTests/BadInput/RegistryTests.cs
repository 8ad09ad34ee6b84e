using System.Globalization;

using ZeroOS.Contracts.Deployments;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.BadInput;

/// <summary>A registry that goes away in the middle, or sends bytes that are not the image's: said plainly, never served, and mended by itself.</summary>
public sealed class RegistryTests
{
    private const int BodyBytes = 4096;

    // What hangs on a connection that was cut is given up after half a minute and its bytes at 16 KiB/s (FetchDeadline), and rests 15 s before it is tried
    // again.
    private static readonly TimeSpan s_back = TimeSpan.FromSeconds(30 + 64 + 15 + 30);

    [Fact]
    public async Task A_registry_that_goes_away_or_forges_chunks_only_delays_the_machine()
    {
        await using World world = await World.Make("bad-registry", 8080);
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");

        // From the first byte on: not even the image's list of chunks is believed.
        world.Network.CorruptFrom = BodyBytes;
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}", "--detach");
        WorkloadStatus status = await Status.Reason(world.Owner, "web", "nginx", "chunk-forged", s_back, WorkloadState.BackingOff);
        Assert.NotNull(status.NextRetry);
        Assert.Contains("it is refused", status.Message, StringComparison.Ordinal);

        // The list comes, and some chunks, and then the registry is gone in the middle.
        world.Network.GoneAfter = world.Network.Served + (2 << 20);
        world.Network.CorruptFrom = 0;
        status = await Status.Reason(world.Owner, "web", "nginx", "registry-unreachable", s_back, WorkloadState.Preparing);
        Assert.True(world.Network.Gone);
        Assert.InRange(status.ImageBytesFetched!.Value, 1, status.ImageBytesTotal!.Value - 1);
        await Status.NoPage(world.Ports[8080]);

        // It is back, and lies.
        world.Network.CorruptFrom = BodyBytes;
        world.Network.GoneAfter = 0;
        world.Network.SetGone(false);
        status = await Status.Reason(world.Owner, "web", "nginx", "chunk-forged", s_back);
        Assert.Contains("not the image's", status.Message, StringComparison.Ordinal);
        await Status.NoPage(world.Ports[8080]);

        world.Network.CorruptFrom = 0;
        try
        {
            await Status.Page(world.Ports[8080], s_back);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{e.Message}; {await world.Owner.Ok("get", "web", "--json")}; served {world.Network.Served}; {await world.Owner.Ok("events")}", e);
        }
        status = await Status.Of(world.Owner, "web", "nginx");
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{WorkloadState.Running} 1 "),
            string.Create(CultureInfo.InvariantCulture, $"{status.State} {status.Starts} {status.Reason}"));
    }
}
