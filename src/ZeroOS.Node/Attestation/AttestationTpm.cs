using System.Formats.Asn1;

using ZeroOS.Formats.Tpm;
using ZeroOS.Linux;

namespace ZeroOS.Node.Attestation;

/// <summary>
/// A TPM as far as proofs need it. For one caller at a time: <see cref="Attestor"/> sees to that. Nothing secret of the node goes through here.
/// </summary>
internal sealed class AttestationTpm(Func<byte[], byte[]> exchange)
{
    // Where the makers put certificates (TCG EK Credential Profile 2.5, section 2.2.1.4).
    private const uint RsaCertificate = 0x01C00002, EccCertificate = 0x01C0000A;
    private const uint PersistentEndorsement = 0x81010001;
    private const int MaxCertificateBytes = 8192;

    private readonly TpmClient _tpm = new(exchange);
    private AttestationKeys? _keys;

    /// <summary>
    /// This computer's TPM; null when it has none of version 2. One that cannot be opened says so whenever it is asked: a broken TPM stops no node.
    /// </summary>
    public static AttestationTpm? TryOpen()
    {
        try
        {
            return TpmDevice.TryOpen() is TpmDevice device ? new AttestationTpm(device.Exchange) : null;
        }
        catch (LinuxException e)
        {
            return new AttestationTpm(_ => throw e);
        }
    }

    /// <summary>The keys; made at the first call, which takes seconds on a slow TPM, and kept loaded.</summary>
    /// <exception cref="TpmException">The TPM refuses: its endorsement hierarchy has a password or is switched off.</exception>
    public AttestationKeys Keys() => _keys ??= MakeKeys();

    /// <summary>The PCRs, and the TPM's word for them with <paramref name="qualifyingData"/> in it.</summary>
    public (TpmStatement Statement, IReadOnlyList<byte[]> Values) Quote(ReadOnlySpan<byte> qualifyingData, ReadOnlySpan<int> pcrs)
    {
        TpmPcrSelection selection = new(TpmAlgorithm.Sha256, pcrs);
        TpmStatement statement = _tpm.Quote(Keys().Attestation, qualifyingData, selection);
        return (statement, [.. _tpm.ReadPcrs(selection).Select(p => p.Value)]);
    }

    /// <summary>One PCR of the sha256 bank.</summary>
    public byte[] ReadPcr(int pcr) => _tpm.ReadPcrs(new TpmPcrSelection(TpmAlgorithm.Sha256, pcr))[0].Value;

    /// <summary>The secret of a challenge made for both keys; no other TPM can tell it, nor this one if the challenge names another attestation key.</summary>
    /// <exception cref="TpmErrorException">The challenge was not made for these keys.</exception>
    public byte[] Activate(TpmCredential challenge)
    {
        AttestationKeys keys = Keys();
        // The policy of every endorsement key: whoever may use the endorsement hierarchy, which has no password.
        TpmSession session = _tpm.StartSession(TpmSessionKind.Policy);
        try
        {
            _tpm.PolicySecret(session, TpmEntity.Endorsement);
            return _tpm.ActivateCredential(keys.Attestation, keys.Endorsement, session, challenge);
        }
        finally
        {
            _tpm.Flush(session.Entity);
        }
    }

    /// <summary>Something failed: the keys may be gone, and are made anew when next asked for.</summary>
    public void Forget()
    {
        AttestationKeys? keys = _keys;
        _keys = null;
        foreach (TpmKey key in keys is null ? [] : (TpmKey[])[keys.Attestation, keys.Endorsement])
        {
            try
            {
                _tpm.Flush(key.Entity);
            }
            catch (Exception e) when (e is TpmException or LinuxException or IOException)
            {
                // it was gone already
            }
        }
    }

    private AttestationKeys MakeKeys()
    {
        TpmKey attestation = _tpm.CreatePrimary(TpmEntity.Endorsement, TpmTemplates.AttestationEcc);
        try
        {
            // The kind of key the maker certified; the quicker one where none is certified.
            bool ecc = HasIndex(EccCertificate), rsa = !ecc && HasIndex(RsaCertificate);
            TpmKey endorsement = (rsa ? KeptEndorsement() : null)
                ?? _tpm.CreatePrimary(TpmEntity.Endorsement, rsa ? TpmTemplates.EndorsementRsa : TpmTemplates.EndorsementEcc);
            return new AttestationKeys(attestation, endorsement, ecc ? ReadCertificate(EccCertificate) : rsa ? ReadCertificate(RsaCertificate) : null);
        }
        catch (TpmException)
        {
            _tpm.Flush(attestation.Entity);
            throw;
        }
    }

    /// <summary>
    /// The RSA key where many makers and systems keep it, which saves the seconds of making it again; the asker sees whether it is of the right kind.
    /// </summary>
    private TpmKey? KeptEndorsement() => HasIndex(PersistentEndorsement) ? _tpm.ReadPublic(PersistentEndorsement) : null;

    private bool HasIndex(uint index) => _tpm.GetHandles(index, 1) is [uint found] && found == index;

    /// <summary>The certificate without what fills its index up; null if it is none.</summary>
    private byte[]? ReadCertificate(uint index)
    {
        try
        {
            byte[] content = _tpm.ReadNv(index);
            return content.Length <= MaxCertificateBytes && AsnDecoder.TryReadEncodedValue(content, AsnEncodingRules.DER, out _, out _, out _, out int length)
                ? content[..length] : null;
        }
        catch (TpmErrorException)
        {
            return null; // an index that is not to be read with an empty password: the proof does without
        }
    }
}
