using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;

namespace ZeroOS.Formats.Pe;

/// <summary>
/// One Authenticode signature: PKCS#7 SignedData (RFC 2315) over a SpcIndirectDataContent that holds the file's digest. Of the many forms that PKCS#7 can take,
/// this writes one, and verifies what has one signer, SHA-256 and RSA PKCS#1 v1.5.
/// </summary>
/// <param name="Digest">The digest of the file that was signed.</param>
/// <param name="Certificate">The signer's certificate, DER.</param>
/// <param name="Subject">The certificate's subject, DER.</param>
/// <param name="IsValid">Whether it is a signature by that certificate's key of the file it is attached to.</param>
public sealed record AuthenticodeSignature(ReadOnlyMemory<byte> Digest, ReadOnlyMemory<byte> Certificate, ReadOnlyMemory<byte> Subject, bool IsValid)
{
    private const string SignedData = "1.2.840.113549.1.7.2", ContentType = "1.2.840.113549.1.9.3", MessageDigest = "1.2.840.113549.1.9.4";
    private const string RsaEncryption = "1.2.840.113549.1.1.1", Sha256WithRsa = "1.2.840.113549.1.1.11", Sha256 = "2.16.840.1.101.3.4.2.1";
    private const string IndirectData = "1.3.6.1.4.1.311.2.1.4", PeImageData = "1.3.6.1.4.1.311.2.1.15";

    private static readonly Asn1Tag s_zero = new(TagClass.ContextSpecific, 0, isConstructed: true),
        s_two = new(TagClass.ContextSpecific, 2, isConstructed: true);

    /// <summary>Makes the signature of a file with this digest, DER.</summary>
    internal static byte[] Create(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> certificate, RSA key)
    {
        CertificateFacts signer = CertificateFacts.Read(certificate.ToArray());
        // Both write an RSA key the one way there is (RFC 3279, section 2.3.1).
        if (!key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(signer.PublicKey.Span))
            throw new InvalidDataException("the certificate is not that of the signing key");
        byte[] content = IndirectContent(digest);
        byte[] attributes = Attributes(SHA256.HashData(Value(content)));
        byte[] signature = key.SignData(attributes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

        AsnWriter asn = new(AsnEncodingRules.DER);
        using (asn.PushSequence())
        {
            asn.WriteObjectIdentifier(SignedData);
            using (asn.PushSequence(s_zero))
            using (asn.PushSequence())
            {
                asn.WriteInteger(1);
                using (asn.PushSetOf())
                    WriteAlgorithm(asn, Sha256);
                using (asn.PushSequence())
                {
                    asn.WriteObjectIdentifier(IndirectData);
                    using (asn.PushSequence(s_zero))
                        asn.WriteEncodedValue(content);
                }
                using (asn.PushSequence(s_zero))
                    asn.WriteEncodedValue(certificate);
                using (asn.PushSetOf())
                using (asn.PushSequence())
                {
                    asn.WriteInteger(1);
                    using (asn.PushSequence())
                    {
                        asn.WriteEncodedValue(signer.Issuer.Span);
                        asn.WriteInteger(signer.Serial);
                    }
                    WriteAlgorithm(asn, Sha256);
                    asn.WriteEncodedValue([0xA0, .. attributes.AsSpan(1)]); // what is signed as a SET travels as [0] IMPLICIT
                    WriteAlgorithm(asn, RsaEncryption);
                    asn.WriteOctetString(signature);
                }
            }
        }
        return asn.Encode();
    }

    /// <summary>Reads a signature and holds it against the digest of the file that carries it.</summary>
    /// <exception cref="InvalidDataException">Not a PKCS#7 SignedData of the form described above.</exception>
    internal static AuthenticodeSignature Read(ReadOnlySpan<byte> signedData, ReadOnlySpan<byte> fileDigest)
    {
        try
        {
            return ReadParts(signedData.ToArray(), fileDigest);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw new InvalidDataException($"a signature of this PE file cannot be read: {e.Message}", e);
        }
    }

    private static AuthenticodeSignature ReadParts(ReadOnlyMemory<byte> bytes, ReadOnlySpan<byte> fileDigest)
    {
        AsnReader outer = new AsnReader(bytes, AsnEncodingRules.BER).ReadSequence();
        Expect(outer.ReadObjectIdentifier(), SignedData);
        AsnReader signed = outer.ReadSequence(s_zero).ReadSequence();
        signed.ReadInteger();
        signed.ReadSetOf();
        AsnReader contentInfo = signed.ReadSequence();
        Expect(contentInfo.ReadObjectIdentifier(), IndirectData);
        ReadOnlyMemory<byte> content = contentInfo.ReadSequence(s_zero).PeekEncodedValue();
        AsnReader indirect = new AsnReader(content, AsnEncodingRules.BER).ReadSequence();
        indirect.ReadSequence();
        AsnReader digestInfo = indirect.ReadSequence();
        Expect(digestInfo.ReadSequence().ReadObjectIdentifier(), Sha256);
        byte[] digest = digestInfo.ReadOctetString();

        AsnReader certificates = signed.ReadSequence(s_zero);
        List<CertificateFacts> known = [];
        while (certificates.HasData)
            known.Add(CertificateFacts.Read(certificates.ReadEncodedValue()));
        if (signed.HasData && signed.PeekTag().HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, 1)))
            signed.ReadEncodedValue(); // revocation lists
        AsnReader signers = signed.ReadSetOf(), signer = signers.ReadSequence();
        if (signers.HasData)
            throw new InvalidDataException("a signature of this PE file has several signers");
        signer.ReadInteger();
        AsnReader name = signer.ReadSequence();
        ReadOnlyMemory<byte> issuer = name.ReadEncodedValue();
        BigInteger serial = name.ReadInteger();
        CertificateFacts certificate = known.FirstOrDefault(c => c.Serial == serial && c.Issuer.Span.SequenceEqual(issuer.Span))
            ?? throw new InvalidDataException("a signature of this PE file comes without its signer's certificate");
        Expect(signer.ReadSequence().ReadObjectIdentifier(), Sha256);
        byte[] attributes = signer.PeekEncodedValue().ToArray();
        AsnReader list = signer.ReadSetOf(s_zero);
        byte[] messageDigest = [];
        while (list.HasData)
        {
            AsnReader attribute = list.ReadSequence();
            string type = attribute.ReadObjectIdentifier();
            AsnReader values = attribute.ReadSetOf();
            if (type == MessageDigest)
                messageDigest = values.ReadOctetString();
            else if (type == ContentType)
                Expect(values.ReadObjectIdentifier(), IndirectData);
        }
        if (signer.ReadSequence().ReadObjectIdentifier() is not (RsaEncryption or Sha256WithRsa))
            throw new InvalidDataException("a signature of this PE file is of a kind that is not verified here");
        attributes[0] = 0x31; // what travels as [0] IMPLICIT was signed as a SET
        using RSA key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(certificate.PublicKey.Span, out _);
        bool valid = digest.AsSpan().SequenceEqual(fileDigest) && messageDigest.AsSpan().SequenceEqual(SHA256.HashData(Value(content.Span)))
            && key.VerifyData(attributes, signer.ReadOctetString(), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return new AuthenticodeSignature(digest, certificate.Encoded, certificate.Subject, valid);
    }

    /// <summary>SpcIndirectDataContent: "a PE image with this digest".</summary>
    private static byte[] IndirectContent(ReadOnlySpan<byte> digest)
    {
        AsnWriter asn = new(AsnEncodingRules.DER);
        using (asn.PushSequence())
        {
            using (asn.PushSequence())
            {
                asn.WriteObjectIdentifier(PeImageData);
                using (asn.PushSequence())
                {
                    asn.WriteBitString([], 0);
                    using (asn.PushSequence(s_zero))
                    using (asn.PushSequence(s_two))
                        // the specification's own word
                        asn.WriteCharacterString(UniversalTagNumber.BMPString, "<<<Obsolete>>>", new Asn1Tag(TagClass.ContextSpecific, 0));
                }
            }
            using (asn.PushSequence())
            {
                WriteAlgorithm(asn, Sha256);
                asn.WriteOctetString(digest);
            }
        }
        return asn.Encode();
    }

    /// <summary>The attributes that are signed, as the SET that is hashed.</summary>
    private static byte[] Attributes(ReadOnlySpan<byte> messageDigest)
    {
        AsnWriter asn = new(AsnEncodingRules.DER);
        using (asn.PushSetOf())
        {
            using (asn.PushSequence())
            {
                asn.WriteObjectIdentifier(ContentType);
                using (asn.PushSetOf())
                    asn.WriteObjectIdentifier(IndirectData);
            }
            using (asn.PushSequence())
            {
                asn.WriteObjectIdentifier(MessageDigest);
                using (asn.PushSetOf())
                    asn.WriteOctetString(messageDigest);
            }
        }
        return asn.Encode();
    }

    private static void WriteAlgorithm(AsnWriter asn, string oid)
    {
        using (asn.PushSequence())
        {
            asn.WriteObjectIdentifier(oid);
            asn.WriteNull();
        }
    }

    /// <summary>What PKCS#7 hashes of a content: its bytes without tag and length (RFC 2315, section 9.3).</summary>
    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> encoded)
    {
        AsnDecoder.ReadEncodedValue(encoded, AsnEncodingRules.BER, out int offset, out int length, out _);
        return encoded.Slice(offset, length);
    }

    private static void Expect(string found, string expected)
    {
        if (found != expected)
            throw new InvalidDataException($"a signature of this PE file is of a kind that is not verified here ({found}, not {expected})");
    }
}
