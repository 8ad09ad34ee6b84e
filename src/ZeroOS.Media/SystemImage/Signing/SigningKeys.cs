using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Media.SystemImage.Signing;

/// <summary>
/// The keys an image is made with, each of which may be missing: one that firmware trusts under Secure Boot signs the EFI file, another signs the PCR 11 it
/// leads to. They are two because they are kept differently: the first can be replaced in every firmware's setup, the second is what sealed secrets hang on.
/// </summary>
internal sealed class SigningKeys : IDisposable
{
    /// <summary>Bits of the PCR key: what every TPM 2 can load.</summary>
    public const int PcrKeyBits = 2048;

    // A + of base64 as it is, as systemd writes it; nothing here comes near HTML.
    private static readonly ReleaseJson s_plain =
        new(new JsonSerializerOptions(ReleaseJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private readonly RSA? _secureBoot, _pcr;

    private SigningKeys(RSA? secureBoot, byte[] certificate, RSA? pcr) => (_secureBoot, Certificate, _pcr) = (secureBoot, certificate, pcr);

    /// <summary>No keys: nothing is signed.</summary>
    public static SigningKeys None { get; } = new(null, [], null);

    /// <summary>Whether the EFI file is signed.</summary>
    public bool SignsFile => _secureBoot is not null;

    /// <summary>The certificate of the key that signs the file, DER; empty without one.</summary>
    public byte[] Certificate { get; }

    /// <summary>Whether PCR 11 is signed.</summary>
    public bool SignsPcr => _pcr is not null;

    /// <summary>Reads keys and certificate from PEM files; a key under a passphrase asks for it.</summary>
    /// <exception cref="MediaException">One of key and certificate without the other, a file that is none, a passphrase that is wrong, an RSA key of a size
    /// that does not serve.</exception>
    public static SigningKeys Load(string? secureBootKey, string? secureBootCertificate, string? pcrKey, Func<string> askPassphrase)
    {
        if (secureBootKey is null != secureBootCertificate is null)
            throw new MediaException("a Secure Boot signature needs both --secure-boot-key and --secure-boot-certificate", isUsage: true);
        RSA? secureBoot = secureBootKey is null ? null : ReadKey(secureBootKey, askPassphrase);
        RSA? pcr = pcrKey is null ? null : ReadKey(pcrKey, askPassphrase);
        if (secureBoot?.KeySize < 2048)
            throw new MediaException($"{secureBootKey}: an RSA key of {secureBoot.KeySize} bits is too short for Secure Boot; it takes 2048");
        if (pcr is not null && pcr.KeySize != PcrKeyBits)
            throw new MediaException($"{pcrKey}: an RSA key of {pcr.KeySize} bits; TPMs are sure to take only those of {PcrKeyBits}");
        return new SigningKeys(secureBoot, secureBootCertificate is null ? [] : ReadCertificate(secureBootCertificate), pcr);
    }

    /// <summary>The EFI file, signed when there is a key for it.</summary>
    /// <exception cref="InvalidDataException">The certificate is of another key.</exception>
    public byte[] Sign(byte[] efi) => _secureBoot is null ? efi : Authenticode.Sign(efi, Certificate, _secureBoot);

    /// <summary>
    /// The sections .pcrpkey and .pcrsig for an image of these sections; none without a PCR key. The key itself is measured, so that nobody exchanges it; the
    /// signature is not, for it is about the measurement.
    /// </summary>
    public IEnumerable<(string Name, ReadOnlyMemory<byte> Content)> PolicySections(IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> sections)
    {
        if (_pcr is null)
            return [];
        (string, ReadOnlyMemory<byte>) publicKey = (".pcrpkey", System.Text.Encoding.ASCII.GetBytes(_pcr.ExportSubjectPublicKeyInfoPem() + "\n"));
        byte[] policy = KernelImagePcr.PolicyDigest(KernelImagePcr.Predict([.. sections, publicKey]));
        PcrSignatures signatures = new()
        {
            Sha256 =
            [
                new PcrSignature
                {
                    Pcrs = [KernelImagePcr.Index],
                    KeyFingerprint = PcrSignature.FingerprintOf(_pcr),
                    Policy = Convert.ToHexStringLower(policy),
                    Signature = Convert.ToBase64String(_pcr.SignData(policy, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
                },
            ],
        };
        return [publicKey, (".pcrsig", JsonSerializer.SerializeToUtf8Bytes(signatures, s_plain.PcrSignatures))];
    }

    public void Dispose()
    {
        _secureBoot?.Dispose();
        _pcr?.Dispose();
    }

    private static RSA ReadKey(string path, Func<string> askPassphrase)
    {
        string pem = ReadText(path);
        RSA key = RSA.Create();
        try
        {
            if (pem.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal))
                key.ImportFromEncryptedPem(pem, askPassphrase());
            else if (pem.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
                throw new MediaException(
                    $"{path}: a key under a passphrase in OpenSSL's old form; openssl pkcs8 -topk8 -in {path} writes one in the form that is read here");
            else
                key.ImportFromPem(pem);
            key.ExportParameters(includePrivateParameters: true);
            return key;
        }
        catch (Exception e)
        {
            key.Dispose();
            throw e is MediaException ? e : new MediaException($"{path}: not an RSA private key in PEM, or not with that passphrase ({e.Message})");
        }
    }

    private static byte[] ReadCertificate(string path)
    {
        string pem = ReadText(path);
        return PemEncoding.TryFind(pem, out PemFields fields) && pem[fields.Label] == "CERTIFICATE"
            ? Convert.FromBase64String(pem[fields.Base64Data])
            : throw new MediaException($"{path}: not a certificate in PEM");
    }

    private static string ReadText(string path)
    {
        const int MaxBytes = 64 * 1024;
        if (!File.Exists(path))
            throw new MediaException($"{path} is not there");
        return new FileInfo(path).Length <= MaxBytes ? File.ReadAllText(path) : throw new MediaException($"{path} is too large for a key or certificate");
    }
}
