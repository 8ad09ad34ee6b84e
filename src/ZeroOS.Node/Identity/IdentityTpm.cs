using System.Security.Cryptography;

using ZeroOS.Formats.Tpm;

namespace ZeroOS.Node.Identity;

/// <summary>
/// Sealing to this TPM and to images of one signer: PolicyAuthorize by the image's key over PolicyPCR of PCR 11, into which the EFI stub measures the image.
/// Never PCR 7: an update of the firmware's revocation list must not lock a node. The storage root key is made anew each time; its name tells one TPM from
/// another.
/// </summary>
internal sealed class IdentityTpm(TpmClient tpm)
{
    /// <summary>Where the stub measures the image's sections.</summary>
    internal const int ImagePcr = 11;

    private const int MaxBlobBytes = 1024;
    private static readonly TpmPcrSelection s_image = new(TpmAlgorithm.Sha256, ImagePcr);

    /// <summary>
    /// Seals up to 128 bytes to the image's key, and has unsealed them again before it returns. Root key, policy key and blob are what to keep.
    /// </summary>
    /// <exception cref="SealException">This TPM or this start offers no way, or not reliably.</exception>
    public (byte[] RootName, TpmBlob Blob) Seal(SignedPolicy policy, byte[] secret) => Guarded(() =>
    {
        RequireMeasured();
        return WithRoot(root =>
        {
            byte[] authorized = TpmPolicy.Authorize(PolicyKeyOf(policy.Key).Name(), []);
            TpmBlob blob = WithSession(TpmSessionKind.Hmac, root, session => tpm.Create(root, session, TpmTemplates.Sealed(authorized), secret));
            if (!CryptographicOperations.FixedTimeEquals(Open(root, blob, policy.Key, policy), secret))
                throw new SealException("tpm-failed", "the TPM gives back something else than it was given");
            return (root.Entity.Name.ToArray(), blob);
        });
    });

    /// <summary>Unseals.</summary>
    /// <exception cref="SealException">Another TPM, an image that the signer did not sign, or a TPM that fails.</exception>
    public byte[] Unseal(SealedIdentity identity, SignedPolicy policy) => Guarded(() => WithRoot(root =>
    {
        if (!root.Entity.Name.Span.SequenceEqual(identity.RootName))
            throw OtherTpm();
        if (identity.Blob.Private.Length > MaxBlobBytes || identity.Blob.Public.Length > MaxBlobBytes)
            throw new SealException("record-changed", "the sealed identity is larger than one can be");
        RequireMeasured();
        return Open(root, identity.Blob, identity.PolicyKey, policy);
    }));

    /// <summary>Uses the TPM in a session that only it can speak in: what it answers there nobody between processor and TPM can have made.</summary>
    /// <param name="rootName">The storage root key that it must have; null: whichever it has.</param>
    /// <param name="use">Gets the session.</param>
    /// <exception cref="SealException">Another TPM, or one that fails.</exception>
    public T InSession<T>(byte[]? rootName, Func<TpmClient, TpmSession, T> use) => Guarded(() => WithRoot(root =>
        rootName is not null && !root.Entity.Name.Span.SequenceEqual(rootName) ? throw OtherTpm()
            : WithSession(TpmSessionKind.Hmac, root, session => use(tpm, session))));

    private byte[] Open(TpmKey root, TpmBlob blob, byte[] policyKey, SignedPolicy policy)
    {
        TpmKey loaded = tpm.Load(root, blob);
        try
        {
            return WithSession(TpmSessionKind.Policy, root, session =>
            {
                tpm.PolicyPcr(session, s_image);
                byte[] now = tpm.PolicyGetDigest(session);
                byte[] signature = policy.Find(policyKey, now)
                    ?? throw SignedPolicy.NotSigned("this image is not signed by the maker whose image sealed the identity");
                (byte[] keyName, TpmTicket ticket) = Verified(policyKey, now, signature);
                tpm.PolicyAuthorize(session, now, [], keyName, ticket);
                return tpm.Unseal(loaded, session);
            });
        }
        finally
        {
            tpm.Flush(loaded.Entity);
        }
    }

    private (byte[] KeyName, TpmTicket Ticket) Verified(byte[] policyKey, byte[] policyDigest, byte[] signature)
    {
        TpmKey key = tpm.LoadExternal(PolicyKeyOf(policyKey));
        try
        {
            TpmTicket ticket = tpm.VerifySignature(key, SHA256.HashData(policyDigest), new TpmSignature(TpmAlgorithm.RsaSsa, TpmAlgorithm.Sha256, signature));
            return (key.Entity.Name.ToArray(), ticket);
        }
        catch (TpmErrorException e) when (e.Error == TpmError.Signature)
        {
            throw SignedPolicy.NotSigned("the signature of the image's policy is false");
        }
        finally
        {
            tpm.Flush(key.Entity);
        }
    }

    /// <summary>
    /// PCR 11 says something: the bank is on, and the stub has measured into it. All zero is a start without the stub, all ones a locality nobody here uses.
    /// </summary>
    private void RequireMeasured()
    {
        if (!tpm.GetPcrBanks().Any(b => b.Hash == s_image.Hash && (b.Mask & s_image.Mask) != 0))
            throw new SealException("no-sha256-bank", "the TPM's SHA-256 bank of PCRs is switched off in the firmware's setup");
        byte[] value = tpm.ReadPcrs(s_image)[0].Value;
        if (!value.AsSpan().ContainsAnyExcept((byte)0) || !value.AsSpan().ContainsAnyExcept((byte)0xFF))
            throw SignedPolicy.NotSigned("the image was not measured: it was not started through its EFI stub");
    }

    private T WithRoot<T>(Func<TpmKey, T> use)
    {
        TpmKey root = tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        try
        {
            return use(root);
        }
        finally
        {
            tpm.Flush(root.Entity);
        }
    }

    private T WithSession<T>(TpmSessionKind kind, TpmKey salt, Func<TpmSession, T> use)
    {
        TpmSession session = tpm.StartSession(kind, salt);
        try
        {
            return use(session);
        }
        finally
        {
            tpm.Flush(session.Entity);
        }
    }

    private static SealException OtherTpm() =>
        new("other-tpm", "the identity was sealed by another TPM: the disk or the mainboard was exchanged, or the TPM was cleared");

    private static TpmPublic PolicyKeyOf(byte[] der)
    {
        using RSA key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(der, out _);
        return TpmPublic.OfRsa(key);
    }

    private static T Guarded<T>(Func<T> use)
    {
        try
        {
            return use();
        }
        catch (TpmErrorException e) when (e.Error is TpmError.Integrity or TpmError.PolicyFail)
        {
            throw new SealException("record-changed", $"the sealed identity is not what this TPM made: {e.Message}");
        }
        catch (Exception e) when (e is TpmException or IOException or CryptographicException)
        {
            throw new SealException("tpm-failed", $"the TPM does not do its work: {e.Message}");
        }
    }
}
