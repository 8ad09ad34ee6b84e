namespace ZeroOS.Formats.Tpm;

/// <summary>What the TPM says about itself, signed.</summary>
public sealed partial class TpmClient
{
    /// <summary>TPM2_Quote: the PCRs now, with <paramref name="qualifyingData"/> (at most 64 bytes) in it, signed by the key's own scheme.</summary>
    public TpmStatement Quote(TpmKey signer, ReadOnlySpan<byte> qualifyingData, TpmPcrSelection pcrs)
    {
        TpmWriter parameters = new TpmWriter().Sized(qualifyingData).Algorithm(TpmAlgorithm.Null).Raw(pcrs.ToBytes());
        return ReadStatement(Run(TpmCommandCode.Quote, [signer.Entity], [TpmSession.Password], parameters));
    }

    /// <summary>TPM2_Certify: the named object is loaded in this TPM, signed by the key's own scheme.</summary>
    public TpmStatement Certify(TpmKey certified, TpmKey signer, ReadOnlySpan<byte> qualifyingData)
    {
        TpmWriter parameters = new TpmWriter().Sized(qualifyingData).Algorithm(TpmAlgorithm.Null);
        return ReadStatement(Run(TpmCommandCode.Certify, [certified.Entity, signer.Entity], [TpmSession.Password, TpmSession.Password], parameters));
    }

    /// <summary>
    /// TPM2_ActivateCredential: the secret of a challenge that <see cref="TpmCredential.Make"/> made for <paramref name="key"/>'s name and the endorsement key.
    /// The session is a policy session for the endorsement key: <see cref="PolicySecret"/> of the endorsement hierarchy.
    /// </summary>
    public byte[] ActivateCredential(TpmKey key, TpmKey endorsement, TpmSession endorsementSession, TpmCredential credential)
    {
        TpmWriter parameters = new TpmWriter().Sized(credential.Object.Span).Sized(credential.EncryptedSeed.Span);
        return OneSized(Run(TpmCommandCode.ActivateCredential, [key.Entity, endorsement.Entity], [TpmSession.Password,
            endorsementSession], parameters)).ToArray();
    }

    private static TpmStatement ReadStatement(byte[] answer)
    {
        TpmReader reader = new(answer);
        byte[] attest = reader.ReadSized().ToArray();
        TpmSignature signature = TpmSignature.Read(ref reader);
        reader.RequireEnd("a signed statement");
        return new TpmStatement(attest, signature);
    }
}
