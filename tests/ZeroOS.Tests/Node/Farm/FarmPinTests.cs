using Xunit;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Node.Identity;

namespace ZeroOS.Tests.Node.Farm;

/// <summary>Finding 13: whoever wrote the boot medium became the owner with any farm of a higher version, and locked the true owners out for ever.</summary>
public sealed class FarmPinTests : IDisposable
{
    private readonly IdentityBench _bench = new();
    private readonly IdentityKey _a = IdentityKey.Generate(), _b = IdentityKey.Generate(), _c = IdentityKey.Generate(),
        _thief = IdentityKey.Generate(), _recovery;
    private readonly FarmSettings _first;

    public FarmPinTests()
    {
        _recovery = IdentityKey.FromSeed(_bench.RecoverySeed);
        _first = TestFarm.Of(_a, _bench.RecoverySeed) with { Owners = [_a.Id.Text, _b.Id.Text], Threshold = 2 };
        (FarmDecision decision, _) = _bench.Start(null, Sign(_first, _a, _b), fresh: true);
        Assert.Null(decision.Trouble);
        Assert.Equal(_first.FarmId, decision.InForce!.Settings.FarmId);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_self_made_farm_of_the_highest_version_is_refused_and_the_true_successor_still_counts()
    {
        foreach (string id in (string[])[Guid.NewGuid().ToString(), _first.FarmId])
        {
            FarmSettings own = TestFarm.Of(_thief, new byte[32]) with { FarmId = id, Version = int.MaxValue };
            Stays(Sign(own, _thief), id == _first.FarmId ? "settings-not-signed" : "settings-foreign");
        }
        Counts(Sign(_first with { Version = 2, Name = "renamed" }, _a, _b));
    }

    [Fact]
    public void A_successor_counts_when_enough_of_the_owners_of_before_have_signed_it()
    {
        FarmSettings more = _first with { Version = 2, Owners = [_a.Id.Text, _b.Id.Text, _c.Id.Text] };
        Counts(Sign(more, _a, _b, _c));
        FarmSettings fewer = more with { Version = 3, Owners = [_a.Id.Text, _c.Id.Text, _thief.Id.Text], Threshold = 2 };
        Waits(Sign(fewer, _a, _c, _thief));
        FarmSettings alone = more with { Version = 4, Owners = [_a.Id.Text, _thief.Id.Text], Threshold = 2 };
        Stays(Sign(alone, _a, _thief), "settings-not-signed");
        Waits(Sign(alone, _a, _thief, _b)); // b signs and is no owner any more
    }

    [Fact]
    public void What_is_older_or_the_same_version_with_other_words_is_refused()
    {
        Counts(Sign(_first with { Version = 5 }, _a, _b));
        Stays(Sign(_first with { Version = 4 }, _a, _b), "settings-older");
        Stays(Sign(_first with { Version = 5, Name = "another" }, _a, _b), "settings-older");
        Assert.Null(_bench.Start(null, Sign(_first with { Version = 5 }, _b, _a)).Farm.Trouble); // the same, signed in another order
        Stays(null, "settings-not-on-medium");
    }

    [Fact]
    public void Whoever_removes_an_owner_waits_for_seventy_two_hours_of_the_node_being_on()
    {
        Counts(Sign(_first with { Version = 2, Threshold = 1, Owners = [_a.Id.Text, _b.Id.Text] }, _a, _b), weakened: true);
        VerifiedFarm taken = Sign(_first with { Version = 3, Threshold = 1, Owners = [_a.Id.Text] }, _a);
        NodeIdentity node = Waits(taken);
        for (TimeSpan on = TimeSpan.Zero; on < FarmPin.Wait - WaitingSettings.Every; on += WaitingSettings.Every)
            Assert.False(FarmPin.Waited(_bench.Ledger(node), WaitingSettings.Every));
        Waits(taken);   // another start; what was waited stays waited
        Stays(null, "settings-not-on-medium");
        node = Waits(taken);    // it was taken away in between: all over again
        for (TimeSpan on = TimeSpan.Zero; on < FarmPin.Wait - WaitingSettings.Every; on += WaitingSettings.Every)
            Assert.False(FarmPin.Waited(_bench.Ledger(node), WaitingSettings.Every));
        Assert.True(FarmPin.Waited(_bench.Ledger(node), WaitingSettings.Every));
        Counts(taken);
        Assert.Null(_bench.Ledger(node).Current.Waiting);
    }

    [Fact]
    public void The_recovery_key_replaces_owners_at_once_whatever_version_a_thief_signed()
    {
        Counts(Sign(_first with { Version = int.MaxValue }, _a, _b));
        FarmSettings mended = _first with { Version = 1, RecoveryGeneration = 1, Owners = [_c.Id.Text], Threshold = 1 };
        Stays(Sign(mended, _c), "settings-not-signed");
        Stays(Sign(mended with { Owners = [_a.Id.Text, _b.Id.Text] }, _a, _b), "settings-not-signed");    // owners do not raise the generation
        Counts(Sign(mended, _c, _recovery));
        Stays(Sign(_first with { Version = int.MaxValue, Name = "again" }, _a, _b, _recovery), "settings-older");
        Counts(Sign(mended with { Version = 2 }, _c));
    }

    [Fact]
    public void Owners_name_no_other_recovery_key()
    {
        byte[] next = [.. Enumerable.Repeat((byte)7, 32)];
        FarmSettings changed = _first with
        {
            Version = 2,
            RecoverySigningKey = RecoveryKey.SigningKey(next).Text,
            RecoveryEncryptionKey = RecoveryKey.EncryptionKey(next),
        };
        Stays(Sign(changed, _a, _b), "settings-not-signed");
        Stays(Sign(_first with { Version = 2, RecoveryEncryptionKey = RecoveryKey.EncryptionKey(next) }, _a, _b), "settings-not-signed");
        Counts(Sign(changed, _a, _b, _recovery));
    }

    [Fact]
    public void A_version_on_trial_takes_no_successor()
    {
        VerifiedFarm next = Sign(_first with { Version = 2 }, _a, _b);
        _bench.OnTrial = true;
        Stays(next, "settings-on-trial");
        _bench.OnTrial = false;
        Counts(next);
    }

    [Fact]
    public void The_pin_follows_to_every_disk_and_outlives_each()
    {
        _bench.Disks.Add("b");
        Counts(Sign(_first with { Version = 2 }, _a, _b));
        byte[] old = File.ReadAllBytes(_bench.LedgerPath());
        Counts(Sign(_first with { Version = 3 }, _a, _b));
        File.WriteAllBytes(_bench.LedgerPath("a"), old);        // a disk that was away
        Stays(Sign(_first with { Version = 2 }, _a, _b), "settings-older");
        Assert.Equal(File.ReadAllBytes(_bench.LedgerPath("a")), File.ReadAllBytes(_bench.LedgerPath("b")));
        _bench.Disks.Remove("a");
        Stays(Sign(_first with { Version = 2 }, _a, _b), "settings-older");
        File.WriteAllText(_bench.LedgerPath("b"), "damaged");
        _bench.Disks.Add("a");
        Stays(Sign(_first with { Version = 2 }, _a, _b), "settings-older");
    }

    [Fact]
    public void A_ledger_of_another_node_counts_for_nothing()
    {
        VerifiedFarm foreign = Sign(TestFarm.Of(_thief, new byte[32]) with { Version = 9 }, _thief);
        _bench.Disks.Add("b");
        Counts(Sign(_first with { Version = 2 }, _a, _b));
        File.WriteAllBytes(_bench.LedgerPath("b"), new Ledger { Generation = 1000, Node = _thief.Id.Text, Farm = foreign.Document }.ToBytes(_thief));
        Stays(foreign, "settings-foreign");
    }

    [Fact]
    public void A_node_of_an_earlier_version_pins_at_its_first_start_what_is_not_older_than_what_it_used()
    {
        File.Delete(_bench.LedgerPath());
        (FarmDecision older, _) = _bench.Start(null, Sign(_first, _a, _b), versionSeen: 4);
        Assert.Equal((null, "settings-older"), (older.InForce, older.Trouble?.Reason));
        (FarmDecision same, _) = _bench.Start(null, Sign(_first with { Version = 4 }, _a, _b), versionSeen: 4);
        Assert.NotNull(same.InForce);
        Stays(Sign(TestFarm.Of(_thief, new byte[32]) with { Version = 9 }, _thief), "settings-foreign");
    }

    [Fact]
    public void Without_settings_nothing_is_pinned()
    {
        using IdentityBench fresh = new();
        Assert.Equal((null, "no-settings"), (fresh.Start(null, null, fresh: true) is var bare ? bare.Farm.InForce : null, bare.Farm.Trouble?.Reason));
        Assert.False(File.Exists(fresh.LedgerPath()));
        Assert.NotNull(fresh.Start(null, Sign(_first, _a, _b)).Farm.InForce);
    }

    /// <summary>docs/farm-settings.md: "A refused document has no effect at all". An empty disk was claimed before it was refused.</summary>
    [Fact]
    public void A_node_takes_empty_disks_by_the_settings_that_will_be_in_force_and_not_by_those_it_refuses()
    {
        VerifiedFarm own = Sign(_first, _a, _b), foreign = Sign(TestFarm.Of(_thief, new byte[32]) with { Version = 9 }, _thief);
        Assert.True(_bench.MayClaim(own));
        Assert.True(_bench.MayClaim(foreign));  // for the farm that is pinned
        Assert.True(_bench.MayClaim(null));     // as a node that boots from a bare stick does

        // An earlier ZeroOS pinned nothing, and what it used is in the database: not before that was asked.
        File.Delete(_bench.LedgerPath());
        Assert.False(_bench.MayClaim(own));
        _bench.Start(null, own, versionSeen: 1);
        Assert.True(_bench.MayClaim(own));

        File.WriteAllText(_bench.RecordPath(), "damaged");
        Assert.False(_bench.MayClaim(own));
        using IdentityBench fresh = new();
        Assert.False(fresh.MayClaim(null, fresh: true));
        Assert.True(fresh.MayClaim(foreign, fresh: true));
    }

    private static VerifiedFarm Sign(FarmSettings settings, params ReadOnlySpan<IdentityKey> keys) => IdentityBench.Sign(settings, keys);

    private void Counts(VerifiedFarm found, bool weakened = false)
    {
        if (weakened)
        {
            NodeIdentity node = Waits(found);
            Assert.True(FarmPin.Waited(_bench.Ledger(node), FarmPin.Wait));
        }
        (FarmDecision decision, _) = _bench.Start(null, found);
        Assert.Null(decision.Trouble);
        Assert.True(decision.InForce!.Says(found));
        Assert.True(_bench.LastChanged);
    }

    private void Stays(VerifiedFarm? found, string reason)
    {
        (FarmDecision before, _) = _bench.Start(null, null);
        (FarmDecision decision, _) = _bench.Start(null, found);
        Assert.Equal(reason, decision.Trouble?.Reason);
        Assert.True(decision.InForce!.Says(before.InForce!));
        Assert.False(_bench.LastChanged);
    }

    private NodeIdentity Waits(VerifiedFarm found)
    {
        (FarmDecision decision, NodeIdentity node) = _bench.Start(null, found);
        Assert.Equal("settings-waiting", decision.Trouble?.Reason);
        Assert.False(decision.InForce!.Says(found));
        return node;
    }
}
