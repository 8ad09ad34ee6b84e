using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

using Xunit.Abstractions;

using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Boot;

/// <summary>
/// One farm whose settings are on the released media (<c>zos image build --farm</c>), and computers that boot those media each in its own way: two at a time,
/// since a firmware and a kernel keep one core busy and this has two.
/// </summary>
internal sealed class BootMatrix(World world, ITestOutputHelper output)
{
    private const int AtOnce = 2;
    private readonly SemaphoreSlim _config = new(1);
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(4);

    /// <summary>Boots every path until it is ready on the bus; fails with all that did not get there.</summary>
    public async Task Boot(IReadOnlyList<BootPath> paths)
    {
        string image = Path.Combine(world.Folder, "image");
        (await world.Owner.Run(TimeSpan.FromMinutes(2), "image", "build", "--image", await BootableImage.Folder, "--farm", world.FarmFile, "-o", image)).Ok();
        List<string> failures = [];
        await Parallel.ForEachAsync(paths, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (path, _) =>
        {
            try
            {
                await Boot(path, Path.Combine(image, path.Medium));
            }
            catch (Exception e) when (e is TimeoutException or NodeEndedException or InvalidOperationException or Xunit.Sdk.XunitException)
            {
                lock (failures)
                    failures.Add($"{path.Name}: {e.Message}");
            }
        });
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    private async Task Boot(BootPath path, string image)
    {
        string name = "boot-" + string.Concat(path.Name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'));
        string medium = Path.Combine(world.Folder, name);
        File.Copy(image, medium);
        int port = Ports.Free();
        Stopwatch watch = Stopwatch.StartNew();
        string[] options =
        [
            "--firmware", path.Firmware, "--boot", $"{medium},as={path.As}",
            "--forward", string.Create(CultureInfo.InvariantCulture, $"{port}:8051"), .. path.More
        ];
        (QemuNode started, string id) = await QemuNode.StartUnseen(again => QemuNode.Start(name, fresh: !again, options), node =>
            World.WhoIsThere(port, s_deadline, () =>
            {
                if (!node.Alive)
                    throw new NodeEndedException($"it ended; its last words:\n{node.Tail()}");
            }));
        await using QemuNode node = started;
        await Pin(name, $"{id}@127.0.0.1:{port}");
        NodeStatus status = await Eventually.Get("ready", TimeSpan.FromSeconds(60), async () => await Status(name) is { Stage: "ready" } ready ? ready : null);
        lock (world)
            World.Figure(output, $"seconds from power on to ready: {path.Name}", watch.Elapsed.TotalSeconds, "s");
        // An owner is told of disks, so the settings on the medium were read; the empty disk was taken and the medium was not.
        Assert.True(status.Disks?.Where(d => d.State == "ours").Select(d => d.Serial).SequenceEqual(["zos-disk-0"]) ?? false,
            $"its disks are {JsonSerializer.Serialize(status, BusJson.Default.NodeStatus)}");
        File.Delete(medium);
    }

    private async Task Pin(string name, string address)
    {
        await _config.WaitAsync(); // zos rewrites the whole file
        try
        {
            await world.Owner.Ok("node", "add", name, address);
        }
        finally
        {
            _config.Release();
        }
    }

    private async Task<NodeStatus?> Status(string name) =>
        JsonSerializer.Deserialize(await world.Owner.Ok("node", "status", name, "--json"), BusJson.Default.NodeStatus);
}
