using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Bus;

namespace ZeroOS.Tests.Node.Identity;

/// <summary>Finding 13, the rest of it: somebody who holds the disk of a node with a TPM puts back what lay on it before. With a real swtpm.</summary>
public sealed class LedgerCounterTests : IDisposable
{
    private const string Index = "0x1805a4f";
    private readonly IdentityBench _bench = new();
    private readonly VerifiedFarm _first, _second;
    private KeyId? _own;

    public LedgerCounterTests()
    {
        _first = IdentityBench.Sign(TestFarm.Of(_bench.Owner, _bench.RecoverySeed) with { Version = 1 }, _bench.Owner);
        _second = IdentityBench.Sign(_first.Settings with { Version = 2 }, _bench.Owner);
    }

    public void Dispose() => _bench.Dispose();

    [SkippableFact]
    public void An_older_ledger_with_the_older_seal_locks_the_node_until_the_recovery_key_has_it_counted_anew()
    {
        Begin();
        State old = Take();
        Assert.Equal(2, Opens(_second).InForce!.Settings.Version);
        foreach (VerifiedFarm found in (VerifiedFarm[])[_first, _second])
        {
            Put(old);
            Assert.Contains("it is an older one", Locked(found, "ledger-older"), StringComparison.Ordinal);
        }

        Recover();      // with the newest settings beside the image, which are pinned at the next start
        Assert.Equal(2, Opens(_second).InForce!.Settings.Version);
        Assert.Equal(2, Opens(_first).InForce!.Settings.Version);
        Put(old);
        _ = Locked(_second, "ledger-older");
    }

    /// <summary>Everything that the ledger holds counts, not only what is sealed with the identity.</summary>
    [SkippableFact]
    public void A_ledger_of_before_an_order_was_carried_out_locks_the_node()
    {
        NodeIdentity node = Begin();
        byte[] before = File.ReadAllBytes(_bench.LedgerPath());
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        _bench.Ledger(node).Spend("an order", now.AddDays(1), now);
        _ = Opens(_first);
        File.WriteAllBytes(_bench.LedgerPath(), before);
        _ = Locked(_first, "ledger-older");
        File.Delete(_bench.LedgerPath());
        Assert.Contains("gone from the disks", Locked(_first, "ledger-older"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Power_that_goes_between_the_disks_and_the_counter_locks_nothing_and_the_counter_follows()
    {
        NodeIdentity node = Begin();
        byte[] before = File.ReadAllBytes(_bench.LedgerPath());
        Assert.True(Ledger.TryRead(before, _own!, out Ledger? ledger));
        Ledger ahead = ledger with { Generation = ledger.Generation + 1, Counter = ledger.Counter + 1, HighestRelease = "9.9.9" };
        File.WriteAllBytes(_bench.LedgerPath(), ahead.ToBytes(node.Key));
        _ = Opens(_first);
        Assert.Equal("9.9.9", _bench.Ledger(node).Current.HighestRelease);
        File.WriteAllBytes(_bench.LedgerPath(), before);
        _ = Locked(_first, "ledger-older");

        // Two ahead was never written by this node with this TPM.
        File.WriteAllBytes(_bench.LedgerPath(), (ahead with { Counter = ahead.Counter + 2 }).ToBytes(node.Key));
        _ = Locked(_first, "ledger-older");
    }

    [SkippableFact]
    public void A_counter_that_was_deleted_or_made_anew_locks_the_node()
    {
        Begin();
        _bench.Tpm!.Tool("tpm2_nvundefine", Index, "-C", "o");
        Assert.Contains("counter of the ledger is gone", Locked(_first, "ledger-older"), StringComparison.Ordinal);

        _bench.Tpm.Tool("tpm2_nvdefine", Index, "-C", "o", "-s", "8", "-a", "nt=counter|authwrite|authread|no_da");
        Assert.Contains("counter of the ledger is gone", Locked(_first, "ledger-older"), StringComparison.Ordinal);     // it has no value yet
        _bench.Tpm.Tool("tpm2_nvincrement", Index, "-C", Index);
        Assert.Contains("it is an older one", Locked(_first, "ledger-older"), StringComparison.Ordinal);                // above every one there was
        Recover();
        _ = Opens(_first);
    }

    [SkippableFact]
    public void A_ledger_that_cannot_be_counted_is_counted_by_the_first_start_that_can()
    {
        _bench.NewTpm();
        _bench.Tpm!.Tool("tpm2_nvdefine", Index, "-C", "o", "-s", "16", "-a", "ownerwrite|ownerread");
        (_, NodeIdentity node) = _bench.Start("image 1", _first, fresh: true);
        Assert.Equal(("sealed", true), (node.Tier, node.Counter is null));
        Assert.Contains(_bench.Log, l => l.Contains("event=ledger-not-counted", StringComparison.Ordinal) && l.Contains(Index[3..], StringComparison.Ordinal));
        _bench.Tpm.Tool("tpm2_nvundefine", Index, "-C", "o");
        _bench.OnTrial = true;
        Assert.Null(_bench.Start("image 1", _first).Identity.Counter);
        _bench.OnTrial = false;
        Assert.NotNull(_bench.Start("image 1", _first).Identity.Counter);
        File.Delete(_bench.LedgerPath());
        _own = node.Key.Id;
        _ = Locked(_first, "ledger-older");
    }

    private NodeIdentity Begin()
    {
        _bench.NewTpm();
        (_, NodeIdentity node) = _bench.Start("image 1", _first, fresh: true);
        Assert.Equal(("sealed", false), (node.Tier, node.Counter is null));
        _own = node.Key.Id;
        return node;
    }

    private FarmDecision Opens(VerifiedFarm found)
    {
        (FarmDecision decision, NodeIdentity node) = _bench.Start("image 1", found);
        Assert.Equal((_own, "sealed"), (node.Key.Id, node.Tier));
        return decision;
    }

    private string Locked(VerifiedFarm found, string reason)
    {
        (_, NodeIdentity node) = _bench.Start("image 1", found);
        Assert.Equal((_own!.Text, reason), (node.Locked?.NodeId, node.Locked?.Reason));
        return node.Locked!.Message;
    }

    private void Recover()
    {
        IdentityKeeper keeper = _bench.Keeper("image 1");
        Assert.NotNull(keeper.Open().Locked);
        Assert.Equal("sealed", keeper.Restore(RecoveryKey.TryOpen(_bench.RecoverySeed, keeper.Locked.Box)!, allowOpen: false));
    }

    private State Take() => new(File.ReadAllBytes(_bench.RecordPath()), File.ReadAllBytes(_bench.LedgerPath()));

    private void Put(State state)
    {
        File.WriteAllBytes(_bench.RecordPath(), state.Record);
        File.WriteAllBytes(_bench.LedgerPath(), state.Ledger);
    }

    private sealed record State(byte[] Record, byte[] Ledger);
}
