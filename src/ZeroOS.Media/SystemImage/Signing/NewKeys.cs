using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace ZeroOS.Media.SystemImage.Signing;

/// <summary>Makes the keys of somebody who signs images, in a folder of their own.</summary>
internal static class NewKeys
{
    /// <summary>The Secure Boot key, PEM, for its owner's eyes only.</summary>
    public const string SecureBootKey = "secure-boot.key";

    /// <summary>Its certificate, PEM.</summary>
    public const string Certificate = "secure-boot.pem";

    /// <summary>The same certificate as firmware setup takes it, DER.</summary>
    public const string EnrolledCertificate = "secure-boot.cer";

    /// <summary>The PCR key, PEM, for its owner's eyes only.</summary>
    public const string PcrKey = "pcr.key";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const int Years = 30;

    /// <summary>Writes all four files.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="name">Who signs, as the firmware's setup will show it.</param>
    /// <param name="now">The certificate holds from a day before; firmware does not look at the clock, other programs do.</param>
    /// <exception cref="MediaException">One of the files is there: keys are never written over.</exception>
    public static void Write(string folder, string name, DateTimeOffset now)
    {
        Directory.CreateDirectory(folder);
        if (new[] { SecureBootKey, Certificate, EnrolledCertificate, PcrKey }.FirstOrDefault(f => File.Exists(Path.Combine(folder, f))) is string there)
            throw new MediaException($"{Path.Combine(folder, there)} is there already, and a key is never written over; choose another folder");
        using RSA secureBoot = RSA.Create(2048), pcr = RSA.Create(SigningKeys.PcrKeyBits);
        X500DistinguishedNameBuilder subject = new();
        subject.AddCommonName(name);
        CertificateRequest request = new(subject.Build(), secureBoot, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        // The form that openssl req -x509 gives a certificate: the one that all firmware has met.
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(Years));
        Create(folder, SecureBootKey, Encoding.ASCII.GetBytes(secureBoot.ExportPkcs8PrivateKeyPem() + "\n"), OwnerOnly);
        Create(folder, PcrKey, Encoding.ASCII.GetBytes(pcr.ExportPkcs8PrivateKeyPem() + "\n"), OwnerOnly);
        Create(folder, Certificate, Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n"), Everybody);
        Create(folder, EnrolledCertificate, certificate.RawData, Everybody);
    }

    private static void Create(string folder, string name, byte[] content, UnixFileMode mode)
    {
        using FileStream file = new(Path.Combine(folder, name),
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode });
        file.Write(content);
    }
}
