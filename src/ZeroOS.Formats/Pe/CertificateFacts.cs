using System.Formats.Asn1;
using System.Numerics;

namespace ZeroOS.Formats.Pe;

/// <summary>What a signature says of its certificate (RFC 5280, section 4.1), each part as the certificate has it.</summary>
/// <param name="Encoded">The certificate, DER.</param>
/// <param name="Serial">Its serial number.</param>
/// <param name="Issuer">The issuer's name, DER.</param>
/// <param name="Subject">The subject's name, DER.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo, DER.</param>
internal sealed record CertificateFacts(ReadOnlyMemory<byte> Encoded, BigInteger Serial, ReadOnlyMemory<byte> Issuer, ReadOnlyMemory<byte> Subject,
    ReadOnlyMemory<byte> PublicKey)
{
    private static readonly Asn1Tag s_version = new(TagClass.ContextSpecific, 0, isConstructed: true);

    /// <summary>Reads a certificate; nothing of it is verified.</summary>
    /// <exception cref="InvalidDataException">Not a certificate.</exception>
    public static CertificateFacts Read(ReadOnlyMemory<byte> der)
    {
        try
        {
            AsnReader body = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
            if (body.PeekTag().HasSameClassAndValue(s_version))
                body.ReadEncodedValue();
            BigInteger serial = body.ReadInteger();
            body.ReadSequence(); // algorithm
            ReadOnlyMemory<byte> issuer = body.ReadEncodedValue();
            body.ReadSequence(); // validity
            ReadOnlyMemory<byte> subject = body.ReadEncodedValue();
            return new CertificateFacts(der, serial, issuer, subject, body.ReadEncodedValue());
        }
        catch (AsnContentException e)
        {
            throw new InvalidDataException($"not a certificate: {e.Message}", e);
        }
    }
}
