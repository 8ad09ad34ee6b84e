using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Formats.Tpm;

namespace ZeroOS.Tests.Node.Identity;

/// <summary>Who a node is, from start to start, while disks, TPM, image and farm change under it; with a real swtpm.</summary>
public sealed class IdentityKeeperTests : IDisposable
{
    private readonly IdentityBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Without_a_TPM_the_identity_is_made_once_in_the_open_and_copied_to_a_disk_that_joins()
    {
        NodeIdentity first = _bench.Boot(null, fresh: true);
        Assert.Equal(("open", null), (first.Tier, first.Locked));
        Assert.Contains("reason=no-tpm", _bench.Log[0], StringComparison.Ordinal);
        _bench.Disks.Add("b");
        Assert.Equal(first.Key.Id, _bench.Boot(null).Key.Id);
        _bench.Disks.Remove("a");
        Assert.Equal(first.Key.Id, _bench.Boot(null).Key.Id);
    }

    /// <summary>The power went between the claim of the disk and the identity: nobody was told of anything, so the node begins there.</summary>
    [Fact]
    public void A_first_start_that_ended_early_is_no_reason_not_to_begin()
    {
        string state = Directory.CreateDirectory(Path.GetDirectoryName(_bench.RecordPath())!).FullName;
        foreach (string left in (string[])["node.db", "names.key", "probe.new", "identity.new"])
            File.WriteAllText(Path.Combine(state, left), "x");
        KeyId own = _bench.Boot(null, fresh: true).Key.Id;
        Assert.Equal(own, _bench.Boot(null, fresh: true).Key.Id);   // and ended again before its state was complete
        Assert.Equal(own, _bench.Boot(null).Key.Id);
    }

    [Fact]
    public void An_identity_is_never_replaced_when_it_is_lost_or_disputed()
    {
        KeyId own = _bench.Boot(null, fresh: true).Key.Id;
        byte[] record = File.ReadAllBytes(_bench.RecordPath());
        File.WriteAllText(Path.GetDirectoryName(_bench.RecordPath())! + "/node.db", "x");
        File.WriteAllText(_bench.RecordPath(), "damaged");
        Assert.Throws<IdentityException>(() => _bench.Boot(null));
        File.Delete(_bench.RecordPath());
        Assert.Throws<IdentityException>(() => _bench.Boot(null));

        // Also when the other node's record is newer: the generation tells old words of one node from new ones, not nodes apart.
        File.WriteAllBytes(_bench.RecordPath(), record);
        _bench.Disks.Add("b");
        _ = _bench.Boot(null);
        File.WriteAllBytes(_bench.RecordPath("b"), IdentityRecord.Open(7, RandomNumberGenerator.GetBytes(32)).ToBytes());
        Assert.Throws<IdentityException>(() => _bench.Boot(null));
        _bench.Disks.Remove("b");
        Assert.Equal(own, _bench.Boot(null).Key.Id);
    }

    [SkippableFact]
    public void With_TPM_and_signed_image_it_is_sealed_at_once_and_the_same_image_gets_it_back()
    {
        _bench.NewTpm();
        NodeIdentity first = _bench.Boot("image 1", fresh: true);
        Assert.Equal("sealed", first.Tier);
        Assert.Equal(-1, File.ReadAllBytes(_bench.RecordPath()).AsSpan().IndexOf(first.Key.Seed));
        NodeIdentity again = _bench.Boot("image 1");
        Assert.Equal(("sealed", first.Key.Id), (again.Tier, again.Key.Id));
        Assert.Equal(1ul, _bench.Record().Generation);
        Assert.Equal(first.Key.Id, _bench.Restarted().Open().Key.Id);
        _bench.Disks.Add("b");
        _ = _bench.Boot("image 1");
        Assert.NotNull(_bench.Record("b").Sealed);
    }

    [SkippableFact]
    public void Identity_in_the_open_is_sealed_by_an_upgrade_and_its_copies_are_overwritten()
    {
        _bench.Disks.Add("b");
        NodeIdentity open = _bench.Boot(null, fresh: true);
        byte[] seed = open.Key.Seed.ToArray();
        // A second name for the same file shows what becomes of the old bytes.
        System.Diagnostics.Process.Start("ln", [_bench.RecordPath(), _bench.RecordPath() + ".old"]).WaitForExit();
        _bench.NewTpm();
        NodeIdentity after = _bench.Boot("image 1");
        Assert.Equal(("sealed", open.Key.Id), (after.Tier, after.Key.Id));
        Assert.Equal(2ul, _bench.Record().Generation);
        Assert.Equal(-1, File.ReadAllBytes(_bench.RecordPath() + ".old").AsSpan().IndexOf(seed));
        Assert.All(_bench.Disks, d => Assert.NotNull(_bench.Record(d).Sealed));
    }

    [SkippableFact]
    public void Changed_image_is_locked_and_an_update_of_the_same_maker_is_not()
    {
        _bench.NewTpm();
        KeyId own = _bench.Boot("image 1", fresh: true).Key.Id;
        byte[] before = File.ReadAllBytes(_bench.RecordPath());

        NodeIdentity changed = _bench.Boot("image 1, with something in it");
        Assert.Equal(("locked", own.Text, "image-not-signed"), (changed.Tier, changed.Locked!.NodeId, changed.Locked.Reason));
        Assert.NotEqual(own, changed.Key.Id);
        Assert.Equal(before, File.ReadAllBytes(_bench.RecordPath()));

        _bench.SignedImage = "image 2";
        Assert.Equal(("sealed", own), (_bench.Boot("image 2") is var updated ? updated.Tier : "", updated.Key.Id));
        Assert.Equal("image-not-signed", _bench.Boot("image 1").Locked!.Reason);     // the old image brings the new image's signatures only here, in this bench
        Assert.Equal("image-not-signed", _bench.Boot(null).Locked!.Reason);           // nothing measured: PCR 11 is zero
        _bench.SignedImage = null;
        Assert.Equal("image-not-signed", _bench.Boot("image 2").Locked!.Reason);
    }

    [SkippableFact]
    public void Image_of_another_maker_is_locked_even_if_it_is_the_same()
    {
        _bench.NewTpm();
        RSA maker = _bench.Maker;
        KeyId own = _bench.Boot("image 1", fresh: true).Key.Id;
        using RSA other = RSA.Create(2048);
        _bench.Maker = other;
        Assert.Equal("image-not-signed", _bench.Boot("image 1").Locked!.Reason);
        _bench.Maker = maker;
        Assert.Equal(own, _bench.Boot("image 1").Key.Id);
    }

    [SkippableFact]
    public void Image_signed_with_two_keys_moves_the_seal_to_the_one_it_carries()
    {
        _bench.NewTpm();
        KeyId own = _bench.Boot("image 1", fresh: true).Key.Id;
        using RSA next = RSA.Create(2048);
        (_bench.MakerBefore, _bench.Maker, _bench.SignedImage) = (_bench.Maker, next, "image 2");
        Assert.Equal(own, _bench.Boot("image 2").Key.Id);
        Assert.Equal(next.ExportSubjectPublicKeyInfo(), _bench.Record().Sealed!.PolicyKey);
        (_bench.MakerBefore, _bench.SignedImage) = (null, "image 3");
        Assert.Equal(own, _bench.Boot("image 3").Key.Id);
    }

    [SkippableFact]
    public void Image_on_trial_seals_nothing_for_the_one_before_could_not_read_it()
    {
        KeyId own = _bench.Boot(null, fresh: true).Key.Id;
        _bench.NewTpm();
        _bench.OnTrial = true;
        Assert.Equal(("open", own), (_bench.Boot("image 2") is var trial ? trial.Tier : "", trial.Key.Id));
        _bench.OnTrial = false;
        Assert.Equal(("sealed", own), (_bench.Boot("image 1") is var kept ? kept.Tier : "", kept.Key.Id));

        byte[] before = File.ReadAllBytes(_bench.RecordPath());
        using RSA next = RSA.Create(2048);
        (_bench.MakerBefore, _bench.Maker, _bench.SignedImage, _bench.OnTrial) = (_bench.Maker, next, "image 2", true);
        Assert.Equal(own, _bench.Boot("image 2").Key.Id);
        Assert.Equal(before, File.ReadAllBytes(_bench.RecordPath()));
    }

    [SkippableFact]
    public void Image_that_was_not_measured_leaves_the_identity_in_the_open()
    {
        _bench.NewTpm();
        NodeIdentity bios = _bench.Boot(null, fresh: true);
        Assert.Equal("open", bios.Tier);
        Assert.Contains("not measured", _bench.Log[0], StringComparison.Ordinal);
        _bench.SignedImage = null;
        Assert.Equal(bios.Key.Id, _bench.Boot("image 1").Key.Id);
        Assert.Contains("carries no signed policy", _bench.Log[1], StringComparison.Ordinal);
    }

    [SkippableFact]
    public void TPM_without_a_SHA256_bank_leaves_the_identity_in_the_open()
    {
        SoftwareTpm tpm = _bench.NewTpm();
        tpm.Tool("tpm2_pcrallocate", "sha1:all+sha256:none");
        Assert.Equal("open", _bench.Boot(null, fresh: true).Tier);
        Assert.Contains("reason=no-sha256-bank", _bench.Log[0], StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Other_TPM_and_no_TPM_lock_the_node_and_change_nothing_on_the_disk()
    {
        SoftwareTpm tpm = _bench.NewTpm();
        KeyId own = _bench.Boot("image 1", fresh: true).Key.Id;
        byte[] before = File.ReadAllBytes(_bench.RecordPath());
        _bench.NewTpm();
        Assert.Equal((own.Text, "other-tpm"), (_bench.Boot("image 1").Locked is var l ? l!.NodeId : "", l!.Reason));
        _bench.Tpm = null;
        Assert.Equal("no-tpm", _bench.Boot("image 1").Locked!.Reason);
        Assert.Equal(before, File.ReadAllBytes(_bench.RecordPath()));
        _bench.Tpm = tpm;
        Assert.Equal(own, _bench.Boot("image 1").Key.Id);
    }

    [SkippableFact]
    public void Recovery_key_gives_the_identity_to_a_new_mainboard()
    {
        SoftwareTpm old = _bench.NewTpm();
        KeyId own = _bench.Boot("image 1", fresh: true).Key.Id;
        _bench.NewTpm();
        IdentityKeeper keeper = _bench.Keeper("image 1");
        Assert.NotNull(keeper.Open().Locked);
        byte[] seed = RecoveryKey.TryOpen(_bench.RecoverySeed, keeper.Locked.Box)!;
        Assert.Null(RecoveryKey.TryOpen(RandomNumberGenerator.GetBytes(32), keeper.Locked.Box));
        Assert.Equal(ErrorCodes.Denied, Assert.Throws<BusErrorException>(() => keeper.Restore(RandomNumberGenerator.GetBytes(32), false)).Error.Code);
        Assert.Equal("sealed", keeper.Restore(seed, allowOpen: false));
        Assert.Equal(("sealed", own), (_bench.Restarted().Open() is var back ? back.Tier : "", back.Key.Id));
        _bench.Tpm = old;
        Assert.Equal("other-tpm", _bench.Boot("image 1").Locked!.Reason);
    }

    [SkippableFact]
    public void Recovery_where_nothing_can_be_sealed_is_refused_unless_the_open_is_asked_for()
    {
        _bench.NewTpm();
        KeyId own = _bench.Boot("image 1", fresh: true).Key.Id;
        _bench.Tpm = null;
        IdentityKeeper keeper = _bench.Keeper("image 1");
        Assert.NotNull(keeper.Open().Locked);
        byte[] seed = RecoveryKey.TryOpen(_bench.RecoverySeed, keeper.Locked.Box)!;
        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<BusErrorException>(() => keeper.Restore(seed, allowOpen: false)).Error.Code);
        Assert.Equal("open", keeper.Restore(seed, allowOpen: true));
        Assert.Equal(("open", own), (_bench.Boot(null) is var back ? back.Tier : "", back.Key.Id));
    }

    [SkippableFact]
    public void The_recovery_key_names_its_successor_and_neither_owners_nor_another_farm_do()
    {
        _bench.NewTpm();
        FarmSettings first = _bench.Farm!;
        KeyId own = _bench.Start("image 1", IdentityBench.Sign(first, _bench.Owner), fresh: true).Identity.Key.Id;
        byte[] next = RandomNumberGenerator.GetBytes(32), foreign = RandomNumberGenerator.GetBytes(32);
        using IdentityKey recovery = IdentityKey.FromSeed(_bench.RecoverySeed), thief = IdentityKey.Generate();

        // Whoever holds the boot medium writes settings of his own on it, under the same farm's name too; and so does who stole an owner's key.
        FarmSettings stolen = TestFarm.Of(_bench.Owner, foreign) with { FarmId = first.FarmId, Version = 9 };
        foreach (VerifiedFarm found in (VerifiedFarm[])[
            IdentityBench.Sign(TestFarm.Of(thief, foreign) with { Version = 9 }, thief),
            IdentityBench.Sign(TestFarm.Of(thief, foreign) with { FarmId = first.FarmId, Version = 9 }, thief),
            IdentityBench.Sign(stolen, _bench.Owner)])
        {
            Assert.Equal(own, _bench.Start("image 1", found).Identity.Key.Id);
            Assert.Null(RecoveryKey.TryOpen(foreign, _bench.Record().Sealed!.Box));
            Assert.Equal(1, _bench.Record().Sealed!.Terms.Version);
        }

        FarmSettings successor = TestFarm.Of(_bench.Owner, next) with { FarmId = first.FarmId, Version = 2 };
        Assert.Equal(own, _bench.Start("image 1", IdentityBench.Sign(successor, _bench.Owner, recovery)).Identity.Key.Id);
        Assert.NotNull(RecoveryKey.TryOpen(next, _bench.Record().Sealed!.Box));
        Assert.Null(RecoveryKey.TryOpen(_bench.RecoverySeed, _bench.Record().Sealed!.Box));
        Assert.Equal(RecoveryKey.SigningKey(next), _bench.Record().Sealed!.Terms.SigningKey);
    }

    /// <summary>Finding 13, of somebody who holds the disk as well: the TPM knows whose node it is.</summary>
    [SkippableFact]
    public void A_ledger_that_is_gone_or_forged_locks_a_sealed_identity_whatever_lies_beside_the_image()
    {
        _bench.NewTpm();
        VerifiedFarm own = IdentityBench.Sign(_bench.Farm!, _bench.Owner);
        NodeIdentity first = _bench.Start("image 1", own, fresh: true).Identity;
        byte[] ledger = File.ReadAllBytes(_bench.LedgerPath());
        using IdentityKey thief = IdentityKey.Generate();
        VerifiedFarm foreign = IdentityBench.Sign(
            TestFarm.Of(thief, RandomNumberGenerator.GetBytes(32)) with { FarmId = own.Settings.FarmId, Version = 9 }, thief);
        byte[] forged = new Ledger { Generation = 99, Node = first.Key.Id.Text, Farm = foreign.Document }.ToBytes(thief);
        foreach (byte[]? written in (byte[]?[])[null, forged])
        {
            foreach (VerifiedFarm? found in (VerifiedFarm?[])[null, foreign])
            {
                File.Delete(_bench.LedgerPath());
                if (written is not null)
                    File.WriteAllBytes(_bench.LedgerPath(), written);
                (FarmDecision decision, NodeIdentity locked) = _bench.Start("image 1", found);
                Assert.Null(decision.InForce);
                Assert.Equal((first.Key.Id.Text, "farm-record-changed"), (locked.Locked?.NodeId, locked.Locked?.Reason));
            }
        }
        Assert.Equal("ledger-older", _bench.Start("image 1", own).Identity.Locked?.Reason);     // LedgerCounterTests: the recovery key ends that
        File.WriteAllBytes(_bench.LedgerPath(), ledger);
        (FarmDecision back, NodeIdentity again) = _bench.Start("image 1", foreign);
        Assert.Equal((first.Key.Id, "sealed"), (again.Key.Id, again.Tier));
        Assert.True(back.InForce!.Says(own));
    }

    [SkippableFact]
    public void A_seal_of_an_earlier_version_is_renewed_with_the_settings_version_and_not_on_trial()
    {
        _bench.NewTpm();
        VerifiedFarm own = IdentityBench.Sign(_bench.Farm! with { Version = 3 }, _bench.Owner);
        PinnedTerms former = PinnedTerms.Of(own.Settings) with { Version = 0 };
        Assert.True(PinnedTerms.TryRead(former.ToBytes(), out PinnedTerms? read));
        Assert.Equal(former.Hash(), read.Hash());
        _bench.Farm = own.Settings with { Version = 0 };
        KeyId id = _bench.Boot("image 1", fresh: true).Key.Id;
        Assert.Equal(0, _bench.Record().Sealed!.Terms.Version);
        _bench.OnTrial = true;
        Assert.Equal(id, _bench.Start("image 1", own).Identity.Key.Id);
        Assert.Equal(0, _bench.Record().Sealed!.Terms.Version);
        _bench.OnTrial = false;
        using IdentityKey thief = IdentityKey.Generate();
        Assert.Null(_bench.Start("image 1",
            IdentityBench.Sign(TestFarm.Of(thief, new byte[32]) with { FarmId = own.Settings.FarmId, Version = 9 }, thief))
            .Identity.Locked); // the ledger of the trial holds
        Assert.Equal(id, _bench.Start("image 1", own).Identity.Key.Id);
        Assert.Equal(3, _bench.Record().Sealed!.Terms.Version);
    }

    [SkippableFact]
    public void Recovery_terms_forged_on_the_disk_lock_the_node()
    {
        _bench.NewTpm();
        _ = _bench.Boot("image 1", fresh: true);
        using IdentityKey thief = IdentityKey.Generate();
        byte[] foreign = RandomNumberGenerator.GetBytes(32);
        IdentityRecord record = _bench.Record();
        PinnedTerms forged = PinnedTerms.Of(TestFarm.Of(thief, foreign) with { FarmId = _bench.Farm!.FarmId });
        File.WriteAllBytes(_bench.RecordPath(), (record with { Sealed = record.Sealed! with { Terms = forged } }).ToBytes());
        _bench.Farm = TestFarm.Of(thief, foreign) with { FarmId = _bench.Farm!.FarmId };
        Assert.Equal("record-changed", _bench.Boot("image 1").Locked!.Reason);
        Assert.Null(RecoveryKey.TryOpen(foreign, _bench.Record().Sealed!.Box));
    }

    [SkippableFact]
    public void Mutated_records_are_read_or_refused_and_nothing_else()
    {
        _bench.NewTpm();
        _ = _bench.Boot("image 1", fresh: true);
        foreach (byte[] good in (byte[][])[File.ReadAllBytes(_bench.RecordPath()), IdentityRecord.Open(1, new byte[32]).ToBytes()])
        {
            Assert.True(IdentityRecord.TryRead(good, out _));
            Random random = new(9);
            for (int round = 0; round < 10_000; round++)
            {
                byte[] bad = good[..(random.Next(3) == 0 ? random.Next(good.Length) : good.Length)];
                for (int n = random.Next(1, 4); n > 0 && bad.Length > 0; n--)
                    bad[random.Next(bad.Length)] ^= (byte)random.Next(1, 256);
                bool read = IdentityRecord.TryRead(bad, out _);
                Assert.Equal(bad.AsSpan().SequenceEqual(good), read); // two changes of one byte may undo each other
                if (bad.Length < 24)
                    continue;
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bad.AsSpan(bad.Length - 4),
                    ZeroOS.Host.Storage.Checksum.Crc32C(bad.AsSpan(0, bad.Length - 4)));
                _ = IdentityRecord.TryRead(bad, out _);     // with a right checksum: whatever it says, no exception
            }
        }
    }
}
