using Xunit;

using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>
/// One list of random driver operations for every device: descriptors, indices, kicks, resets, and between them requests as they should be. Nothing may be
/// thrown, the loop must come to rest, and the device must have done its work, or the fuzzing was of a closed door.
/// </summary>
public static class DeviceFuzz
{
    /// <summary>The devices.</summary>
    public static IReadOnlyList<string> Kinds => [.. s_targets.Keys];

    private static readonly Dictionary<string, Func<EventLoop, FuzzTarget>> s_targets = new()
    {
        ["block"] = loop => new BlockTarget(loop, ring: true),
        ["block without a ring"] = loop => new BlockTarget(loop, ring: false),
        ["flist"] = loop => new FlistTarget(loop),
        ["net"] = loop => new NetTarget(loop),
        ["vsock"] = loop => new VsockTarget(loop),
        ["rng"] = _ => new RngTarget(),
        ["balloon"] = _ => new BalloonTarget(),
    };

    /// <summary>Plays that many operations to a device of <see cref="Kinds"/>.</summary>
    public static void Run(string kind, int seed, int operations)
    {
        using EventLoop loop = new();
        using FuzzTarget target = s_targets[kind](loop);
        VirtioDevice device = target.Device;
        PlayedDriver driver = new();
        Random random = new(seed);
        bool honest = true;
        for (int i = 0; i < operations; i++)
        {
            if (!device.Active)
            {
                device.Reset();
                driver = new PlayedDriver();
                // A driver that breaks rules does not live long; every other one keeps them, so that there is something to break in the next.
                honest = !honest;
                ulong features = !honest && random.Next(4) == 0 ? VirtioFeatures.Version1 | (device.Features & (ulong)random.NextInt64()) : device.Features;
                device.Activate([.. Enumerable.Range(0, device.QueueSizes.Length)
                    .Select(q => !honest && random.Next(50) == 0 ? null : driver.Make(q, FuzzTarget.Size, features))], features);
            }
            Step(target, driver, random, honest);
            loop.Turn(0);
        }
        device.Reset();
        for (int turns = 0; loop.Turn(0); turns++)
            Assert.True(turns < 1000, $"{kind}, seed {seed}: the loop spins");
        Assert.True(target.Work > operations / 1000, $"{kind}, seed {seed}: the device has done nothing");
    }

    private static void Step(FuzzTarget target, PlayedDriver driver, Random random, bool honest)
    {
        const ushort Size = FuzzTarget.Size;
        VirtioDevice device = target.Device;
        int queue = random.Next(device.QueueSizes.Length);
        switch (random.Next(honest ? 3 : 0, 24))
        {
            case 0:
                ulong address = random.Next(4) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(0x40000, 0x100000);
                driver.Descriptor(queue, random.Next(Size), address, (uint)random.Next(0, 5000), (ushort)random.Next(8), (ushort)random.Next(Size + 1));
                break;
            case 1:
                byte[] header = new byte[random.Next(60)];
                random.NextBytes(header);
                driver.Send(queue, Size, [header], [random.Next(1, 600), 1]);
                break;
            case 2:
                driver.MakeAvailable(queue, Size, (ushort)random.Next(Size));
                break;
            case 3 when random.Next(20) == 0:
                device.Reset();
                break;
            case 4 when !honest:
                byte[] config = new byte[1 << random.Next(4)];
                random.NextBytes(config);
                device.Config.Write(random.Next(70), config);
                device.Config.Read(random.Next(70), config);
                break;
            case < 12:
                target.Ask(driver, random);
                break;
            case < 18:
                target.Answer(random);
                break;
            default:
                device.Notify(queue);
                break;
        }
    }
}
