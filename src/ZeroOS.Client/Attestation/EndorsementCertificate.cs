using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

using ZeroOS.Formats.Tpm;

namespace ZeroOS.Client.Attestation;

/// <summary>The maker's word that an endorsement key is in one of its chips (TCG EK Credential Profile).</summary>
public static class EndorsementCertificate
{
    /// <summary>
    /// Whether the certificate is for that key and leads to one of the authorities (PEM: roots, which sign themselves, and what is between). Revocation is not
    /// asked for: makers publish it in places a node's verifier may not reach.
    /// </summary>
    public static bool Check(byte[]? der, TpmPublic key, string authorities, out string says)
    {
        if (der is null)
        {
            says = "the TPM holds no certificate of its maker";
            return false;
        }
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
            if (!certificate.PublicKey.EncodedKeyValue.RawData.AsSpan().SequenceEqual(KeyBits(key)))
            {
                says = $"the certificate of {certificate.Subject} is for another key than the TPM's";
                return false;
            }
            using X509Chain chain = new();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.DisableCertificateDownloads = true;
            X509Certificate2Collection given = [];
            given.ImportFromPem(authorities);
            foreach (X509Certificate2 authority in given)
                (authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData)
                    ? chain.ChainPolicy.CustomTrustStore : chain.ChainPolicy.ExtraStore).Add(authority);
            bool good = chain.Build(certificate);
            says = good ? $"the TPM's certificate leads to {chain.ChainElements[^1].Certificate.Subject}"
                : $"the TPM's certificate, by {certificate.Issuer}, does not lead to the authorities given: "
                    + $"{string.Join("; ", chain.ChainStatus.Select(s => s.StatusInformation.Trim().TrimEnd('.')))}";
            return good;
        }
        catch (CryptographicException e)
        {
            says = $"the certificates cannot be read: {e.Message.TrimEnd('.')}";
            return false;
        }
    }

    /// <summary>Who says it made the TPM: unchecked, for people.</summary>
    public static string Issuer(byte[] der)
    {
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
            return certificate.Issuer;
        }
        catch (CryptographicException)
        {
            return "nobody: it cannot be read";
        }
    }

    // Makers write the algorithm in several ways, so only the key itself is compared: PKCS #1 for RSA, the uncompressed point for ECC.
    private static byte[] KeyBits(TpmPublic key)
    {
        if (key.Type == TpmAlgorithm.Rsa)
        {
            using RSA rsa = key.ToRsa();
            return rsa.ExportRSAPublicKey();
        }
        ECPoint point = key.ToEc().Q;
        return [4, .. point.X!, .. point.Y!];
    }
}
