using System.Security.Cryptography;

using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Host.Storage;
using ZeroOS.Linux;

namespace ZeroOS.Node.Identity;

/// <summary>
/// Finds out who the node is. The seed, 32 bytes, is made once, when storage is first there, and is never silently replaced. Where there are a TPM and a signed
/// image it is kept sealed, also if it lay in the open before; where it cannot be unsealed the node is locked, until the farm's recovery key gives the seed
/// back. The seal says whether the TPM counts the ledger; an older ledger locks the node too. An image <paramref name="onTrial"/> seals nothing: the one
/// before, which may come back, could not read it.
/// </summary>
internal sealed class IdentityKeeper(IReadOnlyList<StorageDisk> pool, bool persistent, FarmSettings? settings, SealingMeans means, ILog log,
    bool onTrial = false)
{
    // What is sealed: the seed, the hash of the terms, and one byte more when the TPM counts the ledger.
    private const int SecretBytes = IdentityRecord.SeedBytes + SHA256.HashSizeInBytes;
    private const byte Counted = 1;

    private readonly IdentityStore _store = new(pool);
    private SealedIdentity? _locked;
    private LedgerCounter? _counter;

    /// <summary>Why the settings that were found are not those that a sealed identity was sealed with; null: they are, or there are none.</summary>
    public string? OtherFarm { get; init; }

    /// <summary>The ledger on the same disks.</summary>
    public required ICountedLedger Ledger { get; init; }

    /// <summary>The box and whose key opens it, while the node is locked.</summary>
    public SealedIdentity Locked => _locked ?? throw new InvalidOperationException("the node is not locked");

    /// <summary>The identity of this start; the disks hold it, or the lock, from then on.</summary>
    /// <exception cref="IdentityException">Disks that were in use before hold none that can be read, or hold two.</exception>
    public NodeIdentity Open()
    {
        IReadOnlyList<IdentityRecord> records = _store.Read();
        IdentityRecord? open = records.FirstOrDefault(r => r.Seed is not null), sealedOne = records.FirstOrDefault(r => r.Sealed is not null);
        if (open is null && sealedOne is not null)
            return Unseal(sealedOne);
        byte[] seed = open?.Seed ?? RandomNumberGenerator.GetBytes(IdentityRecord.SeedBytes);
        ulong generation = records.Count > 0 ? records[0].Generation : 0;
        if (TrySeal(seed, generation + 1) is SealException why)
        {
            log.Warn($"event=identity-not-sealed reason={why.Reason} message=\"{why.Message}\"");
            _store.CopyToOthers(open ?? IdentityRecord.Open(generation + 1, seed));
            return new NodeIdentity(IdentityKey.FromSeed(seed), "open", null);
        }
        log.Info($"event=identity-sealed{(open is null ? "" : " the copy in the open is erased")}");
        return new NodeIdentity(IdentityKey.FromSeed(seed), "sealed", null) { Counter = _counter };
    }

    /// <summary>
    /// Ends the lock with the seed that the farm's recovery key gave back; takes effect at the next start of the node. Returns the tier it will have.
    /// </summary>
    /// <exception cref="BusErrorException">Not this node's seed, or nothing can be sealed here and <paramref name="allowOpen"/> does not say that it need
    /// not.</exception>
    public string Restore(ReadOnlySpan<byte> seed, bool allowOpen)
    {
        using IdentityKey key = IdentityKey.FromSeed(seed);
        if (!key.Id.Equals(Locked.Node))
            throw new BusErrorException(ErrorCodes.Denied, $"that is the seed of {key.Id}; this node is {Locked.Node}");
        if (OtherFarm is { } other)
            throw new BusErrorException(ErrorCodes.Conflict, other);    // sealed again it would only be locked again
        ulong generation = _store.Read()[0].Generation + 1;
        if (TrySeal(seed.ToArray(), generation, TermsAfter(Locked.Terms)) is not SealException why)
            return "sealed";
        if (!allowOpen)
            throw new BusErrorException(ErrorCodes.Conflict,
                $"the seed cannot be sealed here: {why.Message}; repair that, or keep it in the open (zos node recover --open)");
        _store.Write(IdentityRecord.Open(generation, seed.ToArray()), eraseOld: false);
        return "open";
    }

    private NodeIdentity Unseal(IdentityRecord record)
    {
        SealedIdentity there = record.Sealed!;
        try
        {
            byte[] secret = means.Tpm.Unseal(there, means.Policy);
            if (secret.Length < SecretBytes || secret.AsSpan(SecretBytes) is not ([] or [Counted])
                || !secret.AsSpan(IdentityRecord.SeedBytes, SHA256.HashSizeInBytes).SequenceEqual(there.Terms.Hash()))
                throw new SealException("record-changed", "who may recover the identity was changed on the disk");
            byte[] seed = secret[..IdentityRecord.SeedBytes];
            _counter = secret.Length > SecretBytes ? new LedgerCounter(means.Tpm, there.RootName) : null;
            Crypto.Erase(secret);
            IdentityKey key = IdentityKey.FromSeed(seed);
            if (!key.Id.Equals(there.Node))
                throw new SealException("record-changed", $"the TPM holds the seed of {key.Id}, the disk says {there.Node}");
            if (OtherFarm is { } other)
                throw new SealException("farm-record-changed", other);
            if (_counter is not null && Ledger.Fault(there.Node, _counter.Read()) is { } fault)
                throw new SealException("ledger-older", fault);
            Renew(seed, record);
            Crypto.Erase(seed);
            return new NodeIdentity(key, "sealed", null) { Counter = _counter };
        }
        catch (SealException e)
        {
            _locked = there;
            log.Error($"event=identity-locked node={there.Node} reason={e.Reason} message=\"{e.Message}\"");
            return new NodeIdentity(IdentityKey.Generate(), "locked", new LockedState { NodeId = there.Node.Text, Reason = e.Reason, Message = e.Message });
        }
    }

    /// <summary>
    /// Seals again when the farm's owners have named another recovery key, the image's maker signs with another key, or the ledger can be counted and is not
    /// yet; else every disk gets the record.
    /// </summary>
    private void Renew(byte[] seed, IdentityRecord record)
    {
        SealedIdentity there = record.Sealed!;
        PinnedTerms terms = TermsAfter(there.Terms);
        if (onTrial)
            return;
        bool counted = _counter is not null || TryCount(seed);
        if (!ReferenceEquals(terms, there.Terms) || !means.Policy.Key.AsSpan().SequenceEqual(there.PolicyKey) || (counted && _counter is null))
        {
            if (TrySeal(seed, record.Generation + 1, terms, counted) is not SealException why)
            {
                log.Info("event=identity-sealed again, to another recovery key or another key of the image's maker, or with the ledger counted");
                return;
            }
            log.Warn($"event=identity-not-sealed again reason={why.Reason} message=\"{why.Message}\"");
        }
        _store.Write(record, eraseOld: false);
    }

    /// <summary>
    /// Those of the settings in force, if they are others than <paramref name="before"/>; that they may follow was decided before they came into force.
    /// </summary>
    private PinnedTerms TermsAfter(PinnedTerms before)
    {
        PinnedTerms? now = settings is null ? null : PinnedTerms.Of(settings);
        return now is null || now.ToBytes().AsSpan().SequenceEqual(before.ToBytes()) ? before : now;
    }

    private SealException? TrySeal(byte[] seed, ulong generation) =>
        onTrial ? new SealException("on-trial", "the image is on trial; it is sealed at the first start after that")
        : !persistent ? new SealException("no-disk", "there is no disk to keep it on")
        : settings is null ? new SealException("no-settings", "without farm settings nobody could recover it")
        : TrySeal(seed, generation, PinnedTerms.Of(settings));

    /// <summary>Makes the ledger the one that the TPM counts from; false: this TPM counts none.</summary>
    private bool TryCount(ReadOnlySpan<byte> seed)
    {
        using IdentityKey key = IdentityKey.FromSeed(seed);
        try
        {
            Ledger.CountFrom(key, new LedgerCounter(means.Tpm, rootName: null).Make());
            return true;
        }
        catch (Exception e) when (e is SealException or IOException)
        {
            log.Warn($"event=ledger-not-counted message=\"{e.Message}\"");
            return false;
        }
    }

    // The ledger is counted before the seal says so: a start that ends in between changes nothing.
    private SealException? TrySeal(byte[] seed, ulong generation, PinnedTerms terms, bool? counted = null)
    {
        try
        {
            using IdentityKey key = IdentityKey.FromSeed(seed);
            SignedPolicy policy = means.Policy;
            IdentityTpm tpm = means.Tpm;
            bool counts = counted ?? TryCount(seed);
            byte[] box = Crypto.TrySeal(terms.EncryptionKey, seed)
                ?? throw new SealException("no-settings", "nothing can be sealed to the farm's recovery encryption key");
            byte[] secret = [.. seed, .. terms.Hash(), .. (ReadOnlySpan<byte>)(counts ? [Counted] : [])];
            (byte[] rootName, Formats.Tpm.TpmBlob blob) = tpm.Seal(policy, secret);
            Crypto.Erase(secret);
            SealedIdentity made = new() { Node = key.Id, Terms = terms, Box = box, RootName = rootName, PolicyKey = policy.Key, Blob = blob };
            _store.Write(new IdentityRecord(generation, key.Id, null, made), eraseOld: true);
            _counter = counts ? new LedgerCounter(tpm, rootName) : null;
            return null;
        }
        catch (SealException e)
        {
            return e;
        }
    }
}
