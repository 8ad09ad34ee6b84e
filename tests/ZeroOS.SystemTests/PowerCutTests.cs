using System.Globalization;
using System.Text.Json;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>The power goes at any moment: nothing acknowledged is lost and no file system needs repair.</summary>
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int Cuts = 20;
    private const long DiskBytes = 4L << 30;
    private static readonly TimeSpan s_boot = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Twenty_power_cuts_during_deploys_lose_nothing_that_was_acknowledged()
    {
        const int Seed = 20261122;
        await using World world = await World.Make("power-cut", 8080);
        await world.Publish("nginx");
        (string disk, string log) = NewDisk(world);
        await world.Boot(fresh: true, "--drive", BlockLog.Drive(disk, log));
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");
        List<(int At, string Name, int Version)> acknowledged = await Deploy(world, log);
        List<(int At, string Line)> said = await Say(world, log);
        await world.Node.PowerOff();

        BlockLog requests = BlockLog.Read(log);
        output.WriteLine($"{requests.Count} requests logged, {acknowledged.Count} deployments acknowledged, seed {Seed}");
        Random random = new(Seed);
        int first = acknowledged[0].At, audited = 0;
        for (int i = 0; i < Cuts; i++)
        {
            int cut = i == Cuts - 1 ? requests.Count : random.Next(first, requests.Count + 1); // the last one falls when chunks are marked, whatever the seed
            string case_ = $"cut {i} after request {cut} of {requests.Count}";
            string left = Path.Combine(world.Folder, "cut.raw");
            requests.Replay(left, DiskBytes, cut, random);
            CommandResult check = await Command.Run("btrfs", ["check", "--readonly", left], TimeSpan.FromMinutes(2));
            Assert.True(check.ExitCode == 0, $"{case_}: btrfs check: {check.Error}");
            (int marked, IReadOnlyList<string> wrong) = await ChunkAudit.Of(left, Path.Combine(world.Folder, "audit"));
            Assert.True(wrong.Count == 0, $"{case_}: marked present with another hash: {string.Join(", ", wrong)}");
            audited += marked;
            await world.Boot(fresh: false, "--drive", Drive(left));
            Dictionary<string, int> stored = await Eventually.Get($"{case_}: an answer", TimeSpan.FromSeconds(60), async () => await Stored(world));
            foreach ((int at, string name, int version) in acknowledged.Where(a => a.At <= cut))
                Assert.True(stored.TryGetValue(name, out int found) && found >= version,
                    $"{case_}: {name} version {version} was acknowledged at request {at} and is not there");
            string kept = cut < said[0].At ? "" : await world.Owner.Ok("logs", "cut0/web");
            foreach ((int at, string line) in said.Where(s => s.At <= cut))
                Assert.True(kept.Contains(line, StringComparison.Ordinal), $"{case_}: the machine said {line} before request {at}, and it is not there");
            await world.Node.PowerOff();
            check = await Command.Run("btrfs", ["check", "--readonly", left], TimeSpan.FromMinutes(2));
            Assert.True(check.ExitCode == 0, $"{case_}: btrfs check after the boot: {check.Error}");
        }
        output.WriteLine($"{audited} chunks marked present, each with its hash");
        Assert.True(audited > 0, "no cut fell after the first chunk was marked present");
    }

    /// <summary>
    /// The computer restarts while its disk is claimed and its identity made: whatever was written, the next start comes to ready on that disk, and once the
    /// node has said who it is it stays that one.
    /// </summary>
    [Fact]
    public Task A_power_cut_during_the_first_start_leaves_a_disk_that_the_next_start_uses() => CutFirstStart("power-cut-first", 4);

    /// <summary>The same at many more moments.</summary>
    [Fact, Trait("length", "long")]
    public Task Thirty_power_cuts_during_the_first_start_leave_a_disk_that_the_next_start_uses() => CutFirstStart("power-cut-first-long", 30);

    private async Task CutFirstStart(string name, int cuts)
    {
        const int Seed = 20261129;
        await using World world = await World.Make(name);
        (string disk, string log) = NewDisk(world);
        world.Start(fresh: true, "--drive", BlockLog.Drive(disk, log));
        string id = await Id(world);
        int said = BlockLog.CountNow(log);
        await world.Node.Says("zeroos: ready", s_boot);
        await world.Node.PowerOff();

        BlockLog requests = BlockLog.Read(log);
        output.WriteLine($"{requests.Count} requests logged, {said} when the node said who it is, seed {Seed}");
        Random random = new(Seed);
        string left = Path.Combine(world.Folder, "cut.raw");
        for (int i = 0; i < cuts; i++)
        {
            // Every second one falls when the disk is claimed and the identity is being made.
            int cut = random.Next(i % 2 == 0 ? 1 : said * 3 / 4, requests.Count + 1);
            requests.Replay(left, DiskBytes, cut, random);
            world.Start(fresh: false, "--drive", Drive(left));
            string found = await Id(world);
            Assert.True(cut < said || found == id, $"cut after request {cut}: the node said that it is {id} at {said}, and is {found}");
            await world.Node.Says("zeroos: ready", s_boot);
            Assert.Matches("event=disk disk=vda [^\n]*state=ours", world.Node.Serial);
            await world.Node.PowerOff();
            CommandResult check = await Command.Run("btrfs", ["check", "--readonly", left], TimeSpan.FromMinutes(2));
            Assert.True(check.ExitCode == 0, $"cut after request {cut}: btrfs check after the boot: {check.Error}");
        }
    }

    private static Task<string> Id(World world) => world.Node.Says("zeroos: node id: ([1-9A-HJ-NP-Za-km-z]{40,44})", s_boot);

    private static string Drive(string file) => $"driver=raw,file.driver=file,file.filename={file}";

    /// <summary>An empty disk, and a file for the log of what is written to it.</summary>
    private static (string Disk, string Log) NewDisk(World world)
    {
        string disk = Path.Combine(world.Folder, "disk.raw"), log = Path.Combine(world.Folder, "log.raw");
        foreach (string file in (string[])[disk, log])
            File.Create(file).Dispose();
        using FileStream stream = File.OpenWrite(disk);
        stream.SetLength(DiskBytes);
        return (disk, log);
    }

    /// <summary>Deploys new things and new versions one after the other; notes how many requests the disk had seen when each was acknowledged.</summary>
    private static async Task<List<(int At, string Name, int Version)>> Deploy(World world, string log)
    {
        List<(int, string, int)> acknowledged = [];
        for (int version = 1; version <= 4; version++)
        {
            for (int n = 0; n < 4; n++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"cut{n}"), file = Path.Combine(world.Folder, $"{name}.yaml");
                string machine = n == 0 ? "\n  - name: web\n    type: zmachine\n    data: { flist: { reference: demo/nginx:1 }, memory: 128MiB, "
                    + "networks: [ { network: net } ], publish: [ { host: 8080, guest: 80 } ] }" : "";
                await File.WriteAllTextAsync(file, string.Create(CultureInfo.InvariantCulture,
                    $"name: {name}\nworkloads:\n  - name: net\n    type: network\n    data: {{ range: 10.{n + 1}.0.0/24 }}\n"
                    + $"  - name: data\n    type: zmount\n    data: {{ size: {(version * 64) + 128}MiB }}{machine}\n"));
                await world.Owner.Ok("deploy", file, "--registry", $"demo={world.Registry.Here}", "--detach");
                acknowledged.Add((BlockLog.CountNow(log), name, version));
            }
        }
        // The cuts shall also fall into the time when the image arrives and is marked present.
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) };
        await Eventually.Get("the page", TimeSpan.FromSeconds(120),
            async () => await http.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}/"))));
        string sofar = Path.Combine(world.Folder, "sofar.raw");
        await Eventually.Get("chunks marked present on the disk", TimeSpan.FromSeconds(90), async () =>
        {
            BlockLog requests = BlockLog.Read(log);
            requests.Replay(sofar, DiskBytes, requests.Count, new Random(0));
            return (await ChunkAudit.Of(sofar, Path.Combine(world.Folder, "audit"))).Marked > 0 ? "marked" : null;
        });
        return acknowledged;
    }

    /// <summary>
    /// Has the machine write lines; notes how many requests the disk had seen three seconds after a reader had seen each. One is the node's, two are for the
    /// emulation.
    /// </summary>
    private static async Task<List<(int At, string Line)>> Say(World world, string log)
    {
        List<(int, string)> said = [];
        using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) };
        for (int i = 0; i < 3; i++)
        {
            string line = string.Create(CultureInfo.InvariantCulture, $"/said{i}");
            using HttpResponseMessage answer = await http.GetAsync(
                new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}{line}")));
            await Eventually.Get($"{line} in the log", TimeSpan.FromSeconds(60),
                async () => (await world.Owner.Ok("logs", "cut0/web")).Contains(line, StringComparison.Ordinal) ? "there" : null);
            await Task.Delay(TimeSpan.FromSeconds(3));
            said.Add((BlockLog.CountNow(log), line));
        }
        return said;
    }

    private static async Task<Dictionary<string, int>?> Stored(World world)
    {
        CommandResult result = await world.Owner.Run(TimeSpan.FromSeconds(20), "list", "--json", "--timeout", "15");
        if (result.ExitCode != 0)
            throw new InvalidOperationException(result.Error);
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return document.RootElement.GetProperty("deployments").EnumerateArray().Select(d => d.GetProperty("deployment"))
            .ToDictionary(d => d.GetProperty("name").GetString()!, d => d.GetProperty("version").GetInt32());
    }
}
