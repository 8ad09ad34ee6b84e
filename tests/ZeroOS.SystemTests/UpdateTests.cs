using System.Globalization;
using System.Text.Json;

using Xunit.Abstractions;

using ZeroOS.Contracts.Bus;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// Updates of a node that UEFI firmware starts from the flashed medium: the real image, other versions of it made from the same parts, and some that are no
/// good.
/// </summary>
public sealed class UpdateTests(ITestOutputHelper output)
{
    private const string Kept = "EFI/BOOT/BOOTX64.EFI", Trial = "EFI/ZEROOS/TRIAL.EFI", Settings = "EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred";
    private static readonly TimeSpan s_boot = TimeSpan.FromSeconds(150);

    [SkippableFact]
    public async Task A_good_version_is_kept_a_panicking_one_goes_back_and_thirty_power_cuts_leave_a_whole_file()
    {
        Skip.IfNot(File.Exists("/usr/bin/swtpm_setup"), "swtpm-tools is not installed");
        await using World world = await Farm("update", 8080);
        await world.Publish("nginx");
        Releases makers = await Releases.Make(world);
        string first = await makers.Image("1.0.0"), good = await makers.Image("1.1.0"),
            panics = await makers.Image("1.2.0", ("zeroos", await makers.Program("panics", systemCall: 60)));
        string foreign = await makers.Image("1.3.0", await Releases.NewPcrKey(world, "foreign"));
        BootMedium medium = await Start(world, await makers.Medium(first), log: true, "--tpm");
        Assert.Equal("attested", (await Info(world)).Tier);
        await world.Grant(world.OwnerKey, "8080");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}");
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));

        // What is refused, by reason, and changes nothing.
        string byOne = await makers.Release(good, signatures: 1);
        await Refused(world, byOne, "1 of the 3 release keys have signed, 2 must");
        await Refused(world, await makers.SignedByStranger(byOne), "1 of the 3 release keys have signed, 2 must");
        await Refused(world, Releases.Changed(byOne, "twice", d => d["signatures"]!.AsArray().Add(d["signatures"]![0]!.DeepClone())), "a key signed it twice");
        await Refused(world, await makers.Release(good, channel: "beta"), "channel \"beta\"");
        await Refused(world, await makers.Release(good, minimum: "1.0.9"), "from 1.0.9 on");
        string older = await makers.Release(first, minimum: "0.9.0", push: false), release = await makers.Release(good);
        await Refused(world, older, "version 1.0.0 runs already");
        await Refused(world, Releases.Changed(release, "forged", d => d["signatures"]![0]!["sig"] = d["signatures"]![1]!["sig"]!.GetValue<string>()),
            "a signature is false");
        CommandResult locksOut = await world.Owner.Run(TimeSpan.FromMinutes(5), "node", "update", "--release", await makers.Release(foreign),
            "--wait", "--timeout", "280");
        Assert.Equal(1, locksOut.ExitCode);
        Assert.Contains("could not read this node's sealed identity", locksOut.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("zeroos: this image is on trial", world.Node.Serial, StringComparison.Ordinal);

        DateTime begin = DateTime.UtcNow;
        string said = (await world.Owner.Run(TimeSpan.FromMinutes(5), "node", "update", "--release", release, "--wait", "--timeout", "280")).Ok();
        World.Figure(output, "update to a version that is kept, from the message to \"kept\"", (DateTime.UtcNow - begin).TotalSeconds, "s");
        Assert.Equal("1.1.0 runs and is kept", said);
        Assert.Contains("zeroos: this image is on trial", world.Node.Serial, StringComparison.Ordinal);
        Assert.Equal(("1.1.0", "attested", world.NodeKey), ((await Info(world)).Version, (await Info(world)).Tier, (await Info(world)).Id));
        Assert.StartsWith("Proved: ", await world.Owner.Ok("node", "attest", world.Name, "--measurements", Path.Combine(good, "measurements.json")),
            StringComparison.Ordinal);
        await Refused(world, older, "1.0.0 is older than 1.1.0");
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(30)); // the machine that ran before does, or it would not have been kept
        Assert.Equal(BootMedium.DigestOf(Path.Combine(good, "zeroos.efi")), await medium.Digest(Kept));
        Assert.Equal(BootMedium.DigestOf(Path.Combine(first, "zeroos.efi")), await medium.Digest(Trial));
        int writes = BlockLog.CountNow(Log(world));

        CommandResult failed = await world.Owner.Run(TimeSpan.FromMinutes(5), "node", "update", "--release", await makers.Release(panics),
            "--wait", "--timeout", "280");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("the update to 1.2.0 failed, 1.1.0 runs: 1.2.0 never reported", failed.Error, StringComparison.Ordinal);
        Assert.Contains("Attempted to kill init", world.Node.Serial, StringComparison.Ordinal);
        Assert.Equal("1.1.0", (await Info(world)).Version);
        Assert.Equal(BootMedium.DigestOf(Path.Combine(good, "zeroos.efi")), await medium.Digest(Kept));
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));
        Assert.Equal((false, "update-failed"), Condition(await Status.Node(world.Owner)));
        await world.Node.PowerOff();

        (string Name, string File)[] either = [("1.0.0", Path.Combine(first, "zeroos.efi")), ("1.1.0", Path.Combine(good, "zeroos.efi"))];
        foreach ((BootMedium cut, string version, string what) in await Cuts(world, writes, either, count: 30))
            output.WriteLine($"{what}: {version} whole on {Path.GetFileName(cut.File)}");
    }

    [SkippableFact]
    [Trait("length", "long")]
    public async Task After_each_of_thirty_power_cuts_a_node_of_the_right_version_runs_and_can_be_updated()
    {
        await using World world = await Farm("update-cuts");
        Releases makers = await Releases.Make(world);
        string first = await makers.Image("1.0.0"), good = await makers.Image("1.1.0");
        string image = await makers.Medium(first);
        await Start(world, image, log: true);
        string release = await makers.Release(good);
        (await world.Owner.Run(TimeSpan.FromMinutes(5), "node", "update", "--release", release, "--wait", "--timeout", "280")).Ok();
        await world.Node.PowerOff();
        (string Name, string File)[] either = [("1.0.0", Path.Combine(first, "zeroos.efi")), ("1.1.0", Path.Combine(good, "zeroos.efi"))];
        int n = 0;
        foreach ((BootMedium cut, string version, string what) in await Cuts(world, BlockLog.CountNow(Log(world)), either, count: 30))
        {
            // A new data disk each time, and so a new node: one that had been at 1.1.0 would rightly take nothing older.
            await Boot(world, $"{cut.File},as=virtio");
            File.Delete(Path.Combine(world.Folder, "owner", "config.json"));
            await world.Pin(world.Owner);
            Assert.Equal(version, (await Info(world)).Version);
            if (version == "1.0.0" && n++ % 5 == 0)
            {
                (await world.Owner.Run(TimeSpan.FromMinutes(5), "node", "update", "--release", release, "--wait", "--timeout", "280")).Ok();
                Assert.Equal("1.1.0", (await Info(world)).Version);
                Assert.Equal(0, (await cut.Check(cut.File + ".fat")).ExitCode);
            }
            await world.Node.PowerOff();
            output.WriteLine($"{what}: {version} runs");
        }
    }

    [SkippableFact]
    [Trait("length", "long")]
    public Task A_version_that_hangs_before_it_arms_any_watchdog_goes_back() =>
        GoesBack("update-hangs", async makers => await makers.Image("1.1.0", ("zeroos", await makers.Program("hangs", systemCall: 34))),
            "1.1.0 never reported");

    [SkippableFact]
    [Trait("length", "long")]
    public Task A_version_that_gets_no_machine_going_goes_back() =>
        GoesBack("update-ill", async makers => await makers.Image("1.1.0", ("zvmm", await makers.Program("ends", systemCall: 60))),
            "what a machine that ran before needs of the node is not well: not-booted");

    private async Task GoesBack(string name, Func<Releases, Task<string>> make, string reason)
    {
        await using World world = await Farm(name, 8080);
        await world.Publish("nginx");
        Releases makers = await Releases.Make(world);
        string first = await makers.Image("1.0.0"), bad = await make(makers);
        BootMedium medium = await Start(world, await makers.Medium(first), log: false);
        await world.Grant(world.OwnerKey, "8080");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}");
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));
        DateTime begin = DateTime.UtcNow;
        CommandResult failed = await world.Owner.Run(TimeSpan.FromMinutes(12), "node", "update", "--release", await makers.Release(bad),
            "--wait", "--timeout", "700");
        World.Figure(output, $"{name}: from the message to the old version's report", (DateTime.UtcNow - begin).TotalSeconds, "s");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("the update to 1.1.0 failed, 1.0.0 runs", failed.Error, StringComparison.Ordinal);
        Assert.Contains(reason, failed.Error, StringComparison.Ordinal);
        Assert.Equal("1.0.0", (await Info(world)).Version);
        Assert.Equal(BootMedium.DigestOf(Path.Combine(first, "zeroos.efi")), await medium.Digest(Kept));
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));
    }

    private static async Task<World> Farm(string name, params int[] ports)
    {
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        return await World.Make(name, ports);
    }

    /// <summary>Flashes the medium and boots it as a node of the world.</summary>
    private static async Task<BootMedium> Start(World world, string image, bool log, params string[] options)
    {
        string file = Path.Combine(world.Folder, "medium.img");
        File.Copy(image, file, overwrite: true);
        File.Copy(image, Before(world), overwrite: true);
        if (log)
            await File.WriteAllBytesAsync(Log(world), []);
        await Boot(world, log ? $"{file},as=virtio,log={Log(world)}" : $"{file},as=virtio", options);
        await world.Pin(world.Owner);
        return new BootMedium(file);
    }

    private static async Task Boot(World world, string medium, params string[] options)
    {
        await world.Boot(fresh: true, ["--boot", medium, "--reboot", .. options]);
        await world.WhoIsThere(s_boot);
    }

    private static string Log(World world) => Path.Combine(world.Folder, "medium.log");

    private static string Before(World world) => Path.Combine(world.Folder, "before.img");

    private static async Task Refused(World world, string release, string why)
    {
        CommandResult result = await world.Owner.Run(TimeSpan.FromMinutes(1), "node", "update", "--release", release);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(why, result.Error, StringComparison.Ordinal);
    }

    private static async Task<NodeInfo> Info(World world) =>
        JsonSerializer.Deserialize(await world.Owner.Ok("node", "info", "--json"), BusJson.Default.NodeInfo)!;

    private static (bool Ok, string? Reason) Condition(NodeStatus status) =>
        status.Conditions.Where(c => c.Name == "update").Select(c => (c.Ok, c.Reason)).Single();

    /// <summary>
    /// The medium as power cuts during an update would have left it: of every one, which version's file the firmware would start. A file that is neither fails
    /// the test.
    /// </summary>
    private static async Task<IReadOnlyList<(BootMedium Medium, string Version, string What)>> Cuts(World world, int writes,
        (string Name, string File)[] either, int count)
    {
        const int Seed = 20261125;
        BlockLog log = BlockLog.Read(Log(world));
        long size = new FileInfo(Before(world)).Length;
        string settings = BootMedium.DigestOf(world.FarmFile);
        Dictionary<string, string> known = either.ToDictionary(e => BootMedium.DigestOf(e.File), e => e.Name);
        Random random = new(Seed);
        List<(BootMedium, string, string)> cuts = [];
        for (int i = 0; i < count; i++)
        {
            // The last writes are the exchange and what follows: they get more than their share.
            int at = i % 3 == 0 ? Math.Max(0, writes - random.Next(1, 12)) : random.Next(writes + 1);
            string file = Path.Combine(world.Folder, string.Create(CultureInfo.InvariantCulture, $"cut{i}.img"));
            File.Copy(Before(world), file, overwrite: true);
            log.ReplayOver(file, size, at, random);
            BootMedium medium = new(file);
            string what = string.Create(CultureInfo.InvariantCulture, $"cut {i} after request {at} of {writes}, seed {Seed}");
            string? digest = await medium.Digest(Kept);
            Assert.True(digest is not null && known.ContainsKey(digest), $"{what}: {Kept} is neither version");
            Assert.Equal(settings, await medium.Digest(Settings));
            cuts.Add((medium, known[digest!], what));
        }
        Assert.Equal(either.Select(e => e.Name).Order(), cuts.Select(c => c.Item2).Distinct().Order());
        return cuts;
    }
}
