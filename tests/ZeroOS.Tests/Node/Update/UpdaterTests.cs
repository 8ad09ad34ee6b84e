using System.Diagnostics;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Node.Update;

namespace ZeroOS.Tests.Node.Update;

/// <summary>Whole updates over reboots of a computer that does not exist.</summary>
public sealed class UpdaterTests : IDisposable
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(30);
    private readonly FakeComputer _computer = new();
    private readonly byte[] _new = FakeComputer.Image("1.1.0");

    public void Dispose() => _computer.Dispose();

    [Fact]
    public async Task A_good_version_is_tried_proven_and_kept()
    {
        _computer.Boot();
        UpdateStatus begun = _computer.Begin(_computer.Release(_new));
        Assert.Equal((UpdateState.Fetching, "1.1.0", "1.0.0"), (begun.State, begun.Version, begun.From));
        await Restart();
        Assert.Equal(UpdateState.Restarting, _computer.Updater.Status!.State);
        Assert.Equal(["entry", "write half", "write all", "boot next"], _computer.Effects.Where(e => e is not ("store" or "check")));
        Assert.Equal("1.0.0", FakeComputer.VersionOf(_computer.Kept));

        _computer.Effects.Clear();
        _computer.Boot();
        await Ends(UpdateState.Kept);
        Assert.Equal("1.1.0", FakeComputer.VersionOf(_computer.Kept));
        Assert.True(_computer.TrialKept);
        Assert.Equal(["t"], _computer.Examined!.Machines.Select(m => m.Tenant));
        Assert.Equal(["exchange", "pid 1", "forget"], _computer.Effects.Where(e => e != "store"));
        Assert.Equal(new Version(1, 1, 0), _computer.Store.HighestRelease);
        Assert.True(_computer.Updater.Conditions().Single() is { Ok: true, Message: "1.1.0 is kept" });
        Assert.Equal(["fetching", "writing", "restarting", "trial", "kept"], _computer.Store.Events(FakeComputer.Owner.Id.Text, 0).Select(e => e.Reason));

        _computer.Boot();
        Assert.Equal(UpdateState.Kept, _computer.Updater.Status!.State);
        Conflict(_computer.Release(FakeComputer.Image("1.0.5")), "older than 1.1.0");
    }

    /// <summary>A database that comes back as it was must not bring an older highest version with it: a signed downgrade would be taken.</summary>
    [Fact]
    public async Task The_highest_version_outlives_the_database()
    {
        await UpdateTo(_new);
        _computer.Boot();
        await Ends(UpdateState.Kept);
        _computer.Boot(forget: true);
        Assert.Null(_computer.Store.HighestRelease);
        Conflict(_computer.Release(FakeComputer.Image("1.0.5")), "older than 1.1.0");
        _computer.Kept = FakeComputer.Image("1.0.0");
        _computer.Boot();
        Assert.True(_computer.Updater.Conditions().Single() is { Ok: false, Reason: "downgraded" });
    }

    [Fact]
    public async Task An_unhealthy_version_goes_back_and_its_reason_comes_with_it()
    {
        await UpdateTo(_new);
        _computer.Health = new HealthFinding("machines", "a machine that ran before does not");
        _computer.Boot();
        await Restart();
        Assert.False(_computer.TrialKept);
        _computer.Health = HealthFinding.Well;
        _computer.Boot();
        UpdateStatus status = await Ends(UpdateState.Failed);
        Assert.Equal(("machines", "1.1.0 did not become healthy: a machine that ran before does not"), (status.Reason, status.Message));
        Assert.Equal("1.0.0", FakeComputer.VersionOf(_computer.Kept));
        Assert.False(_computer.EntryLeft);
        Assert.Null(_computer.Store.HighestRelease);
        NodeCondition condition = _computer.Updater.Conditions().Single();
        Assert.Equal((false, "update-failed"), (condition.Ok, condition.Reason));

        await UpdateTo(_new, boot: false); // and it can be asked for again
        _computer.Boot();
        await Ends(UpdateState.Kept);
    }

    [Theory]
    [InlineData(true, true, "watchdog", "hung")]
    [InlineData(false, true, "trial-ended", "before it had proven itself")]
    public async Task A_version_that_hangs_or_panics_on_trial_is_told_of_by_the_one_before(bool watchdog, bool began, string reason, string message)
    {
        await UpdateTo(_new);
        _computer.Health = new HealthFinding("network", "not yet");
        _computer.Boot();
        Assert.Equal(began, _computer.Updater.Status!.State == UpdateState.Trial);
        _computer.Boot(watchdogBit: watchdog);
        UpdateStatus status = await Ends(UpdateState.Failed);
        Assert.Equal(reason, status.Reason);
        Assert.Contains(message, status.Message, StringComparison.Ordinal);
        Assert.Equal("1.0.0", FakeComputer.VersionOf(_computer.Kept));
    }

    [Theory]
    [InlineData(false, "not-started")]
    [InlineData(true, "watchdog")]
    public async Task A_version_whose_node_never_ran_is_told_of_too(bool watchdog, string reason)
    {
        await UpdateTo(_new);
        _computer.FirmwareIgnores = true; // or it hung or panicked before its node could write anything: the same from here
        _computer.Boot(watchdog);
        Assert.Equal(reason, (await Ends(UpdateState.Failed)).Reason);
    }

    [Fact]
    public async Task Wherever_the_power_goes_an_old_or_the_new_version_runs_and_the_update_can_be_asked_for_again()
    {
        int cuts = 0, kept = 0;
        for (int effects = 0; ; effects++)
        {
            using FakeComputer computer = new();
            computer.Boot(power: effects);
            bool cut = await Life(computer);
            if (!cut)
                break;
            cuts++;
            computer.Boot();
            string kind = $"cut after {string.Join(", ", computer.Effects)}";
            // Whatever comes next ends by itself in one of the two versions.
            UpdateStatus? status = await Settles(computer);
            Assert.True(FakeComputer.VersionOf(computer.Kept) is "1.0.0" or "1.1.0", kind);
            if (FakeComputer.VersionOf(computer.Kept) == "1.0.0")
            {
                Assert.True(status is null or { State: UpdateState.Failed }, $"{kind}: {status?.State}");
                computer.Begin(computer.Release(_new));
                await computer.Restarted.Task.WaitAsync(s_deadline);
                computer.Boot();
                status = await Settles(computer);
            }
            else
                kept++;
            Assert.True(status?.State == UpdateState.Kept, $"{kind}: {status?.State} {status?.Reason} {status?.Message}");
            Assert.Equal("1.1.0", FakeComputer.VersionOf(computer.Kept));
        }
        Assert.True(cuts > 10 && kept > 1, $"{cuts} cuts, {kept} of them after the exchange");
    }

    [Fact]
    public async Task A_node_that_dies_after_the_exchange_does_not_exchange_again()
    {
        await UpdateTo(_new);
        _computer.Boot();
        await Ends(UpdateState.Kept);
        _computer.NodeDies(keptMark: true);
        Assert.Equal(UpdateState.Kept, _computer.Updater.Status!.State);
        Assert.False(_computer.Restarted.Task.IsCompleted);
        _computer.Store.SetUpdate(_computer.Store.Update! with { State = UpdateState.Trial }, []); // it died before it could remember
        _computer.NodeDies(keptMark: false);
        await Ends(UpdateState.Kept);
        Assert.Equal("1.1.0", FakeComputer.VersionOf(_computer.Kept));
    }

    [Fact]
    public async Task A_node_that_forgets_everything_knows_its_trial_by_the_signed_manifest_beside_it()
    {
        await UpdateTo(_new);
        _computer.Boot(forget: true);
        await Ends(UpdateState.Kept);
        Assert.Equal("1.1.0", FakeComputer.VersionOf(_computer.Kept));
    }

    [Fact]
    public async Task An_image_in_the_slot_that_is_not_what_the_manifest_promised_goes_back()
    {
        _computer.Boot();
        _computer.Begin(_computer.Release(_new, m => m with { ImageDigest = FakeComputer.DigestOf([1]) }));
        await Restart();
        _computer.Boot();
        await Restart();
        _computer.Boot();
        Assert.Equal("wrong-image", (await Ends(UpdateState.Failed)).Reason);
    }

    [Fact]
    public async Task Over_the_network_the_served_version_is_what_counts()
    {
        _computer.Served = FakeComputer.Image("1.0.0");
        _computer.Boot();
        _computer.Begin(_computer.Release(_new));
        await Restart();
        Assert.DoesNotContain("write half", _computer.Effects);
        _computer.Boot();
        UpdateStatus status = await Ends(UpdateState.Failed);
        Assert.Equal("server-serves-other", status.Reason);
        Assert.Contains("still serves 1.0.0", status.Message, StringComparison.Ordinal);

        _computer.Begin(_computer.Release(_new));
        await Restart();
        _computer.Served = _new;
        _computer.Boot();
        await Ends(UpdateState.Kept);

        _computer.Served = FakeComputer.Image("1.0.0");
        _computer.Boot();
        NodeCondition condition = _computer.Updater.Conditions().Single();
        Assert.Equal((false, "downgraded"), (condition.Ok, condition.Reason));
        Conflict(_computer.Release(FakeComputer.Image("1.1.0")), "not newer than 1.1.0, which this node had before");
    }

    [Fact]
    public async Task What_stands_in_the_way_is_said_before_anything_is_written()
    {
        _computer.Boot();
        NodeUpdate release = _computer.Release(_new);
        _computer.MediumTrouble = "the boot medium is not there any more";
        Refused(release, ErrorCodes.Unavailable, "not there any more");
        _computer.MediumTrouble = null;
        _computer.FirmwareRefuses = true;
        Refused(release, ErrorCodes.Unavailable, "no room for variables");
        _computer.FirmwareRefuses = false;
        Refused(_computer.Release(_new, m => m with { Image = "elsewhere/zeroos" }), ErrorCodes.Unavailable, "registry \"elsewhere\"");
        _computer.Force = BootKind.Other;
        _computer.Boot();
        Refused(release, ErrorCodes.Unavailable, "booted by BIOS");
        Assert.DoesNotContain("write half", _computer.Effects);
        Assert.Null(_computer.Updater.Status);

        _computer.Force = null;
        _computer.Boot();
        _computer.Begin(release);
        Refused(release, ErrorCodes.Conflict, "under way");
        await Restart();
        Refused(release, ErrorCodes.Conflict, "under way");
    }

    [Fact]
    public async Task What_cannot_be_fetched_or_is_another_file_ends_the_update_where_it_began()
    {
        _computer.Boot();
        NodeUpdate release = _computer.Release(_new);
        string digest = _computer.Registry.Keys.Single();
        _computer.Registry[digest] = FakeComputer.Image("6.6.6");
        _computer.Begin(release);
        UpdateStatus status = await Ends(UpdateState.Failed);
        Assert.Contains("another file", status.Message, StringComparison.Ordinal);
        _computer.Registry.Clear();
        _computer.Begin(release);
        Assert.Equal("not-fetched", (await Ends(UpdateState.Failed, "no such blob")).Reason);
        _computer.SealingKey = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
        _computer.Begin(_computer.Release(_new));
        Assert.Equal("sealed-identity", (await Ends(UpdateState.Failed, "identity")).Reason);
        Assert.DoesNotContain("write half", _computer.Effects);
        Assert.False(_computer.EntryLeft);
    }

    [Fact]
    public void Downgrades_other_channels_too_large_steps_and_too_few_signatures_are_refused_by_reason()
    {
        _computer.Boot();
        Conflict(_computer.Release(FakeComputer.Image("1.0.0")), "runs already");
        Conflict(_computer.Release(FakeComputer.Image("0.9.5")), "older than 1.0.0");
        Conflict(_computer.Release(_new, m => m with { Channel = "beta" }), "channel \"beta\"");
        Conflict(_computer.Release(_new, m => m with { MinimumVersion = "1.0.1" }), "from 1.0.1 on");
        Refused(_computer.Release(_new, null, FakeComputer.Alice), ErrorCodes.Denied, "1 of the 3 release keys have signed, 2 must");
        Refused(_computer.Release(_new, null, FakeComputer.Alice, ZeroOS.Bus.Keys.IdentityKey.Generate()), ErrorCodes.Denied, "1 of the 3");
        Refused(_computer.Release(_new, null, FakeComputer.Alice, FakeComputer.Alice), ErrorCodes.Invalid, "twice");
        Refused(new NodeUpdate { Release = "AAAA" }, ErrorCodes.Invalid, "not a release");
        Refused(new NodeUpdate { Release = "?" }, ErrorCodes.Invalid, "not base64");
    }

    private static async Task<bool> Life(FakeComputer computer)
    {
        try
        {
            computer.Begin(computer.Release(FakeComputer.Image("1.1.0")));
            await computer.Restarted.Task.WaitAsync(s_deadline);
            if (computer.PowerFor == 0)
                return true;
            computer.Boot(power: computer.PowerFor);
            await Settles(computer);
            return computer.PowerFor == 0;
        }
        catch (PowerCutException)
        {
            return true;
        }
    }

    /// <summary>Follows a computer through its reboots until nothing is pending, or its power is off.</summary>
    private static async Task<UpdateStatus?> Settles(FakeComputer computer)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < s_deadline)
        {
            if (computer.PowerFor == 0)
                return null;
            if (computer.Updater.Status is null or { State: UpdateState.Kept or UpdateState.Failed } && !computer.Restarted.Task.IsCompleted)
                return computer.Updater.Status;
            if (computer.Restarted.Task.IsCompleted)
                computer.Boot();
            await Task.Delay(1);
        }
        throw new TimeoutException($"still {computer.Updater.Status?.State}");
    }

    private async Task UpdateTo(byte[] image, bool boot = true)
    {
        if (boot)
            _computer.Boot();
        _computer.Begin(_computer.Release(image));
        await Restart();
    }

    private Task Restart() => _computer.Restarted.Task.WaitAsync(s_deadline);

    private async Task<UpdateStatus> Ends(UpdateState state, string message = "")
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < s_deadline)
        {
            if (_computer.Updater.Status is { } status && status.State == state && (status.Message ?? "").Contains(message, StringComparison.Ordinal))
                return status;
            await Task.Delay(1);
        }
        throw new TimeoutException($"not {state} but {_computer.Updater.Status}");
    }

    private void Conflict(NodeUpdate release, string why) => Refused(release, ErrorCodes.Conflict, why);

    private void Refused(NodeUpdate release, string code, string why)
    {
        BusErrorException e = Assert.Throws<BusErrorException>(() => _computer.Begin(release));
        Assert.Equal(code, e.Error.Code);
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }
}
