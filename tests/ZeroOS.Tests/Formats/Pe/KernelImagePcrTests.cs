using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Pe;

namespace ZeroOS.Tests.Formats.Pe;

public sealed class KernelImagePcrTests : IDisposable
{
    private static readonly ReadOnlyMemory<byte> s_publicKey = "-----BEGIN PUBLIC KEY-----\n"u8.ToArray();

    private readonly PeBench _bench;

    public KernelImagePcrTests() => _bench = new PeBench();

    public void Dispose() => _bench.Dispose();

    [SkippableFact]
    public void Systemd_measure_computes_the_same_value()
    {
        byte[] image = PeBench.Image((".pcrpkey", s_publicKey), (".pcrsig", "{}"u8.ToArray()), (".splash", "BM"u8.ToArray()));
        string[] sections = [.. new[] { ".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".pcrpkey" }
            .Select(name => $"--{name[1..]}={_bench.Write(name, UnifiedKernelImage.Section(image, name).Span)}")];
        (int code, string output) = PeBench.Run("/lib/systemd/systemd-measure", ["calculate", .. sections, "--bank=sha256", "--phase="]);
        Assert.True(code == 0, output);
        Assert.Contains($"11:sha256={Convert.ToHexStringLower(KernelImagePcr.Predict(image))}", output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Only_the_signed_policy_and_the_signature_leave_the_value_as_it_is()
    {
        byte[] image = PeBench.Image((".pcrsig", "{}"u8.ToArray()));
        byte[] value = KernelImagePcr.Predict(image);
        Assert.Equal(value, KernelImagePcr.Predict(PeBench.Image((".pcrsig", "{ }"u8.ToArray()))));
        Assert.Equal(value, KernelImagePcr.Predict(_bench.Sign(image)));
        Assert.NotEqual(value, KernelImagePcr.Predict(PeBench.Image((".pcrpkey", s_publicKey))));
    }

    [Fact]
    public void The_policy_digest_is_that_of_the_specification()
    {
        // Made by hand with: { printf %064d 0; echo 0000017f 00000001 000b 03 000800; printf VALUE | xxd -r -p | sha256sum; } | xxd -r -p | sha256sum
        byte[] value = SHA256.HashData(Encoding.ASCII.GetBytes("zeroos"));
        Assert.Equal("529d53ff9016694ca12d13c1da6f9672786d796eb6a0b1878615d528dc23fc54", Convert.ToHexStringLower(KernelImagePcr.PolicyDigest(value)));
    }
}
