namespace ZeroOS.Formats.Tpm;

/// <summary>Sessions and what proves a policy in them.</summary>
public sealed partial class TpmClient
{
    private const byte HmacSession = 0, PolicySession = 1, TrialSession = 3;

    /// <summary>
    /// TPM2_StartAuthSession with SHA-256. With <paramref name="salt"/>, a decryption key of the TPM, the session has a key only that TPM knows, and encrypts
    /// by AES-128-CFB; whoever uses it must know the key to be the TPM's (the storage root key's name, kept).
    /// </summary>
    public TpmSession StartSession(TpmSessionKind kind, TpmKey? salt = null)
    {
        const TpmAlgorithm Hash = TpmAlgorithm.Sha256;
        byte[] nonce = _random(TpmHash.Bytes(Hash)), secret = [], encrypted = [];
        if (salt is not null)
            (secret, encrypted) = TpmSecretExchange.With(salt.Public, "SECRET", _random);
        TpmWriter parameters = new TpmWriter().Sized(nonce).Sized(encrypted)
            .Byte(kind switch { TpmSessionKind.Hmac => HmacSession, TpmSessionKind.Policy => PolicySession, _ => TrialSession });
        if (salt is null)
            parameters.Algorithm(TpmAlgorithm.Null);
        else
            parameters.Algorithm(TpmAlgorithm.Aes).UInt16(128).Algorithm(TpmAlgorithm.Cfb);
        parameters.Algorithm(Hash);
        (uint handle, byte[] answer) = Run(TpmCommandCode.StartAuthSession, [salt?.Entity ?? TpmEntity.Null, TpmEntity.Null], [], parameters,
            Sized.None, returnsHandle: true);
        byte[] nonceTpm = OneSized(answer).ToArray();
        byte[] key = salt is null ? [] : TpmKdf.Kdfa(Hash, secret, "ATH", nonceTpm, nonce, TpmHash.Bytes(Hash) * 8);
        return new TpmSession(TpmEntity.OfHandle(handle), Hash, key, nonceTpm, kind != TpmSessionKind.Hmac);
    }

    /// <summary>TPM2_PolicyPCR: the PCRs hold what they hold now; with <paramref name="expected"/> (their digest), refused unless it is that.</summary>
    public void PolicyPcr(TpmSession session, TpmPcrSelection pcrs, ReadOnlySpan<byte> expected = default) =>
        Run(TpmCommandCode.PolicyPcr, [session.Entity], [], new TpmWriter().Sized(expected).Raw(pcrs.ToBytes()));

    /// <summary>TPM2_PolicyAuthorize: the policy proved so far, <paramref name="approved"/>, was signed by the key of that name, as the ticket says.</summary>
    public void PolicyAuthorize(TpmSession session, ReadOnlySpan<byte> approved, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> keyName, TpmTicket ticket)
    {
        TpmWriter parameters = new TpmWriter().Sized(approved).Sized(reference).Sized(keyName);
        ticket.Write(parameters);
        Run(TpmCommandCode.PolicyAuthorize, [session.Entity], [], parameters);
    }

    /// <summary>TPM2_PolicySecret: the caller is authorized for <paramref name="entity"/>, here by its empty password.</summary>
    public void PolicySecret(TpmSession session, TpmEntity entity) =>
        Run(TpmCommandCode.PolicySecret, [entity, session.Entity], [TpmSession.Password], new TpmWriter().Sized([]).Sized([]).Sized([]).UInt32(0));

    /// <summary>TPM2_PolicyGetDigest: the policy proved so far.</summary>
    public byte[] PolicyGetDigest(TpmSession session) => OneSized(Run(TpmCommandCode.PolicyGetDigest, [session.Entity], [], new TpmWriter())).ToArray();

    /// <summary>TPM2_VerifySignature of a digest.</summary>
    /// <exception cref="TpmErrorException"><see cref="TpmError.Signature"/>: it is not the key's.</exception>
    public TpmTicket VerifySignature(TpmKey key, ReadOnlySpan<byte> digest, TpmSignature signature)
    {
        TpmReader reader = new(Run(TpmCommandCode.VerifySignature, [key.Entity], [], new TpmWriter().Sized(digest).Raw(signature.ToBytes())));
        TpmTicket ticket = TpmTicket.Read(ref reader);
        reader.RequireEnd("a ticket");
        return ticket;
    }
}
