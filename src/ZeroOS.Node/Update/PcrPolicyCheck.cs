using System.Security.Cryptography;

using ZeroOS.Formats.Pe;
using ZeroOS.Node.Identity;

namespace ZeroOS.Node.Update;

/// <summary>
/// Whether a new image will be able to read an identity that is sealed to the running one's signed policy: it must carry a policy about its own PCR 11, signed
/// by the same key. Found out before the restart, for afterwards the node could only come back without its identity.
/// </summary>
internal static class PcrPolicyCheck
{
    /// <summary>Null if the image will do; else a sentence. <paramref name="publicKeyPem"/> is the key of the running image.</summary>
    public static string? Fault(ReadOnlyMemory<byte> efi, string publicKeyPem)
    {
        try
        {
            using RSA key = RSA.Create();
            key.ImportFromPem(publicKeyPem);
            byte[] policy = KernelImagePcr.PolicyDigest(KernelImagePcr.Predict(efi));
            if (SignedPolicy.Of(efi).Find(key.ExportSubjectPublicKeyInfo(), policy) is not { } signature)
                return "its signed policy is about another image, or by another key than the running image's";
            return key.VerifyData(policy, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) ? null : "the signature of its policy is false";
        }
        catch (Exception e) when (e is SealException or InvalidDataException or ArgumentException or CryptographicException)
        {
            return e.Message;
        }
    }
}
