using System.Globalization;

using ZeroOS.Bus.Farm;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;
using ZeroOS.Node.Identity;

namespace ZeroOS.Node.Farm;

/// <summary>
/// Decides whose node this is. The first settings of a node without an identity are pinned: kept in the ledger, and their terms sealed with the identity. Later
/// ones, wherever they come from, count only as successors of what is pinned (<see cref="PinnedTerms.Refusal"/>); otherwise what is pinned stays in force. A
/// refused document has no effect at all. A version <paramref name="onTrial"/> takes no successor: the version before may come back.
/// </summary>
internal sealed class FarmPin(IReadOnlyList<StorageDisk> pool, bool onTrial)
{
    /// <summary>
    /// How long the node has to be on before a successor counts that removes an owner or lowers the threshold, unless the recovery key signed it.
    /// </summary>
    public static readonly TimeSpan Wait = TimeSpan.FromHours(72);

    private const int MaxText = 200;

    /// <summary>
    /// Decides about <paramref name="found"/>, the verified settings in or beside the image, or why there are none. <paramref name="versionSeen"/>: the highest
    /// version that an earlier ZeroOS, which pinned nothing, has used.
    /// </summary>
    /// <exception cref="IdentityException">The disks hold no identity that can be read, or two.</exception>
    public FarmDecision Decide(VerifiedFarm? found, (string Reason, string Message)? missing, int versionSeen)
    {
        IdentityRecord? identity = Identity();
        Ledger? ledger = identity is null ? null : LedgerStore.Read(pool, identity.Node);
        VerifiedFarm? pinned = ledger?.Farm is { } document && FarmDocument.TryVerifyWithSigners(document, out VerifiedFarm? kept, out _) ? kept : null;
        if (identity?.Sealed is { } held)
        {
            // What the TPM gives back is the last word. The ledger may be one step ahead of the seal, never another farm's.
            if (pinned is not null && !held.Terms.AreOf(pinned) && held.Terms.Refusal(pinned) is not null)
                pinned = null;
            if (pinned is null)
                return Judge(held.Terms, found, missing, wasPinned: ledger?.Farm is not null || held.Terms.Version > 0);
        }
        if (pinned is not null)
            return Judge(pinned, ledger!, found, missing);
        if (found is not null && identity is not null && found.Settings.Version < versionSeen)
            return new FarmDecision(null, ("settings-older", string.Create(CultureInfo.InvariantCulture,
                $"farm settings version {found.Settings.Version} are older than version {versionSeen}, which this node has used; they are not used")));
        return new FarmDecision(found, found is null ? missing : null);
    }

    /// <summary>
    /// Whether the node takes empty disks: settings will be in force, whatever becomes of those that were <paramref name="found"/>. Asked before the database
    /// can be opened. So a node that an earlier ZeroOS pinned nothing for takes none at its first start.
    /// </summary>
    public bool MayClaim(VerifiedFarm? found)
    {
        try
        {
            return Decide(found, null, versionSeen: int.MaxValue).InForce is not null;
        }
        catch (IdentityException)
        {
            return false;   // the start ends here, and the step that needs the identity says why
        }
    }

    /// <summary>What the disks hold; null before the first start.</summary>
    private IdentityRecord? Identity() => new IdentityStore(pool).Read() is [IdentityRecord first, ..] ? first : null;

    /// <summary>Keeps what was decided, once the identity is open and, if it is sealed, sealed with it. True: there were others in force before.</summary>
    public bool Keep(LedgerStore ledger, FarmDecision decision)
    {
        // A seal that could not be renewed stays where it is, and the ledger with it: the next start takes the same step again.
        if (decision.InForce is not { } farm || (Identity()?.Sealed is { } held && !held.Terms.AreOf(farm)))
            return false;
        bool changed = ledger.Current.Farm is { } kept && !SameDocument(kept, farm.Document);
        _ = ledger.Change(before =>
        {
            Ledger after = SameDocument(before.Farm, farm.Document) ? before : before with { Farm = farm.Document };
            return SameDocument(before.Waiting, decision.Waiting?.Document) ? after : after with { Waiting = decision.Waiting?.Document, WaitedSeconds = 0 };
        });
        return changed;
    }

    /// <summary>The node was on for so long; true when the waiting successor counts from the next start of the role on.</summary>
    public static bool Waited(LedgerStore ledger, TimeSpan time) =>
        ledger.Change(l => l.Waiting is null ? l : l with { WaitedSeconds = l.WaitedSeconds + (long)time.TotalSeconds }) is { Waiting: not null } after
        && after.WaitedSeconds >= (long)Wait.TotalSeconds;

    /// <summary>The identity is sealed with terms, and no settings that have them were kept.</summary>
    private FarmDecision Judge(PinnedTerms terms, VerifiedFarm? found, (string Reason, string Message)? missing, bool wasPinned)
    {
        if (found is not null && (terms.AreOf(found) || (!onTrial && terms.Refusal(found) is null && !terms.IsWeakenedBy(found))))
            return new FarmDecision(found, null);
        if (found is null && !wasPinned)
            return new FarmDecision(null, missing);
        string why = found is null ? "there are none" : terms.Refusal(found)?.Message ?? "they remove an owner or lower the threshold";
        return new FarmDecision(null, ("farm-record-changed", $"the node's identity belongs to farm {terms.FarmId}, whose settings are gone from the disk, "
            + $"and those beside the image do not replace them: {why}; put the farm's own settings there"),
            Locked: true);
    }

    private FarmDecision Judge(VerifiedFarm pinned, Ledger ledger, VerifiedFarm? found, (string Reason, string Message)? missing)
    {
        PinnedTerms terms = PinnedTerms.Of(pinned.Settings);
        string stays = string.Create(CultureInfo.InvariantCulture,
            $"version {pinned.Settings.Version} of farm \"{HostileText.Plain(pinned.Settings.Name, MaxText)}\" stays in force");
        if (found is null)
            return new FarmDecision(pinned, missing is (string reason, string message)
                ? (reason == "no-settings" ? "settings-not-on-medium" : reason,
                    $"{(reason == "no-settings" ? "no farm settings lie beside the image" : message)}; {stays}")
                : null);
        if (found.Says(pinned))
            return new FarmDecision(pinned, null);
        if (terms.Refusal(found) is (string code, string why))
            return new FarmDecision(pinned, (code, $"the farm settings beside the image are refused: {HostileText.Plain(why, MaxText)}; {stays}"));
        if (onTrial)
            return new FarmDecision(pinned,
                ("settings-on-trial", $"version {found.Settings.Version} of the farm settings waits until the update has ended; {stays}"));
        if (!terms.IsWeakenedBy(found))
            return new FarmDecision(found, null);
        long waited = SameDocument(ledger.Waiting, found.Document) ? ledger.WaitedSeconds : 0;
        return waited >= (long)Wait.TotalSeconds ? new FarmDecision(found, null)
            : new FarmDecision(pinned, ("settings-waiting", string.Create(CultureInfo.InvariantCulture,
                $"version {found.Settings.Version} of the farm settings removes an owner or lowers the threshold: "
                + $"it counts after {((long)Wait.TotalSeconds - waited + 3599) / 3600} more hours, if nobody puts others there; {stays}")), found);
    }

    private static bool SameDocument(byte[]? one, byte[]? other) => one is null ? other is null : other is not null && one.AsSpan().SequenceEqual(other);
}
