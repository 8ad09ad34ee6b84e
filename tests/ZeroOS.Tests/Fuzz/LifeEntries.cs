using ZeroOS.Tests.Engine;
using ZeroOS.Tests.Host.Machines;
using ZeroOS.Tests.Images.Fetch;
using ZeroOS.Tests.Images.Store;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Tests.Vmm.Devices;
using ZeroOS.Tests.Vmm.Fuzz;

namespace ZeroOS.Tests.Fuzz;

/// <summary>
/// Whole lives from a seed: a device and its driver, a monitor and the node, a registry and its client, beside a model of what must come of it.
/// </summary>
internal static class LifeEntries
{
    private const int Operations = 10_000;

    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        .. DeviceFuzz.Kinds.Select(kind => new SeedEntry($"device {kind}", seed => DeviceFuzz.Run(kind, seed, Operations))),
        new SeedEntry("device transport", seed => TransportFuzz.Run(seed, Operations)),
        new SeedEntry("monitor configuration", seed => ConfigFuzz.Run(seed, 200)),
        new SeedEntry("vsock talk", seed =>
        {
            using VsockDeviceTests talk = new();
            talk.A_random_talk_arrives_whole_and_in_order_and_no_side_sends_more_than_the_other_has_room_for(seed);
        }),
        new SeedEntry("monitor and its guest", seed => MonitorFuzz.Run(seed, TimeSpan.FromSeconds(2))) { Alone = true },
        new SeedEntry("chunk queue", ChunkQueueModel.Run),
        new SeedEntry("image config and specification", seed => _ = ImageConfigFuzzTests.Run(seed)),
        new SeedEntry("hint of present chunks", ImageMessageFuzzTests.RunHint),
        new SeedEntry("hostile registry", seed => HostileRegistryTests.RunAsync(seed & int.MaxValue).GetAwaiter().GetResult()),
        new SeedEntry("fair slots", seed => new FairSlotsTests().Whatever_owners_do_the_limits_hold_and_all_are_served(seed).GetAwaiter().GetResult()),
        new SeedEntry("engine", seed => new SimulationTests().Whatever_happens_what_was_acknowledged_is_there_in_the_end(seed / 2)),
        new SeedEntry("bus resources", BusResourceModel.Run),
    ];
}
