using System.Security.Cryptography;

using ZeroOS.Media.SystemImage.Signing;
using ZeroOS.Node.Update;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Media.SystemImage;

namespace ZeroOS.Tests.Node.Update;

/// <summary>Images as zos signs them, asked whether a node whose identity is sealed could update to them.</summary>
public sealed class PcrPolicyCheckTests : IDisposable
{
    private readonly TrustBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [SkippableFact]
    public void Only_an_image_whose_policy_is_about_itself_and_by_the_same_key_will_open_the_identity()
    {
        (string key, byte[] image) = Signed("ours");
        (string otherKey, byte[] otherImage) = Signed("other");
        Assert.Null(PcrPolicyCheck.Fault(image, key));
        Assert.Null(PcrPolicyCheck.Fault(otherImage, otherKey));
        Assert.Contains("by another key", PcrPolicyCheck.Fault(otherImage, key), StringComparison.Ordinal);

        byte[] changed = [.. image];
        changed[image.AsSpan().LastIndexOf("quiet"u8)] ^= 1; // the command line: the policy is about what it was
        Assert.Contains("about another image", PcrPolicyCheck.Fault(changed, key), StringComparison.Ordinal);

        Assert.Equal("the signature of its policy is false", PcrPolicyCheck.Fault(FalseSignature.In(image), key));

        Assert.Contains("no signed policy", PcrPolicyCheck.Fault(TrustBench.Make(SigningKeys.None).Efi, key), StringComparison.Ordinal);
        Assert.NotNull(PcrPolicyCheck.Fault(image, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"));
        Assert.NotNull(PcrPolicyCheck.Fault(new byte[100], key));
    }

    private (string PublicKeyPem, byte[] Image) Signed(string name)
    {
        using RSA key = RSA.Create(2048);
        string file = _bench.In(name + ".pem");
        File.WriteAllText(file, key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using SigningKeys keys = SigningKeys.Load(null, null, file, () => "");
        return (key.ExportSubjectPublicKeyInfoPem(), TrustBench.Make(keys).Efi);
    }
}
