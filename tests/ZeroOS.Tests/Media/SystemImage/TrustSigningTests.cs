using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Pe;
using ZeroOS.Media.SystemImage.Signing;
using ZeroOS.Tests.Formats.Pe;
using ZeroOS.Tests.Formats.Tpm;

namespace ZeroOS.Tests.Media.SystemImage;

public sealed class TrustSigningTests : IDisposable
{
    private readonly TrustBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [SkippableFact]
    public async Task An_image_sealed_for_a_farm_carries_its_settings_a_policy_and_a_signature_that_sbverify_accepts()
    {
        string[] keys = [.. await _bench.KeysAsync(), "--pcr-key", _bench.In("keys/pcr.key")];
        string farm = _bench.In("farm.efi");
        await _bench.Ok(["image", "seal", "--image", _bench.Release, "--farm", _bench.Farm, "-o", farm, .. keys]);
        PeBench.Run("/usr/bin/sbverify", "--cert", _bench.In("keys/secure-boot.pem"), farm).Succeeded();

        byte[] efi = File.ReadAllBytes(farm);
        IReadOnlyList<CpioEntry> entries = Initramfs.Read(UnifiedKernelImage.Section(efi, ".initrd"));
        Assert.Equal(["/init", "/release", "/sealed", FarmSettings.SealedPath], entries.Select(e => e.Path));
        Assert.Equal(File.ReadAllBytes(_bench.Farm), entries[^1].Content.ToArray());

        Measurements measured = JsonSerializer.Deserialize(File.ReadAllBytes(_bench.In("farm.measurements.json")), ReleaseJson.Default.Measurements)!;
        Assert.Equal(("1.2.3", "sha256:abcd"), (measured.Version, measured.ImageDigest)); // the release it was made from
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(efi)), measured.Efi.Sha256);
        Assert.Equal(Convert.ToHexStringLower(KernelImagePcr.Predict(efi)), measured.Pcr11);
        PcrSignature policy =
            Assert.Single(JsonSerializer.Deserialize(UnifiedKernelImage.Section(efi, ".pcrsig").Span, ReleaseJson.Default.PcrSignatures)!.Sha256);
        Assert.Equal(measured.PcrSigningKey, policy.KeyFingerprint);
        using RSA key = RSA.Create();
        key.ImportFromPem(Encoding.ASCII.GetString(UnifiedKernelImage.Section(efi, ".pcrpkey").Span));
        byte[] digest = KernelImagePcr.PolicyDigest(KernelImagePcr.Predict(efi));
        Assert.Equal(Convert.ToHexStringLower(digest), policy.Policy);
        Assert.True(key.VerifyData(digest, Convert.FromBase64String(policy.Signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

        string said = await _bench.Ok("image", "inspect", farm);
        foreach (string fact in (string[])[measured.Efi.Authenticode, measured.Linux.Authenticode, measured.Pcr11, $"signed by key {measured.PcrSigningKey}",
            "CN=ZeroOS farm", "farm \"barn\"", "1.2.3", "sha256:abcd"])
            Assert.Contains(fact, said, StringComparison.Ordinal);

        // Sealed again it is the same file, and other settings replace the first: nothing grows.
        await _bench.Ok(["image", "seal", "--image", farm, "--farm", _bench.Farm, "-o", _bench.In("again.efi"), .. keys]);
        Assert.Equal(efi, File.ReadAllBytes(_bench.In("again.efi")));
    }

    [SkippableFact]
    public async Task The_kernel_unpacks_the_settings_behind_the_compressed_initramfs()
    {
        // cpio takes one archive at a time, as the kernel does once the zstd frame is behind it: at a multiple of four.
        await _bench.Ok("image", "seal", "--image", _bench.Release, "--farm", _bench.Farm, "-o", _bench.In("farm.efi"));
        byte[] before = UnifiedKernelImage.Section(File.ReadAllBytes(_bench.Release), ".initrd").ToArray();
        byte[] after = UnifiedKernelImage.Section(File.ReadAllBytes(_bench.In("farm.efi")), ".initrd").ToArray();
        int at = (before.Length + 3) / 4 * 4;
        Assert.True(after.AsSpan().StartsWith(before));
        Assert.Equal("070701"u8.ToArray(), after[at..(at + 6)]);
        string archive = _bench.In("rest.cpio");
        File.WriteAllBytes(archive, after[at..]);
        (int code, string output) = PeBench.Run("/usr/bin/cpio", "--list", "--quiet", "-F", archive);
        Assert.True(code == 0, output);
        Assert.Equal("sealed\nsealed/farm.cred\n", output);
    }

    [SkippableFact]
    public async Task Systemd_measure_signs_the_same_policy()
    {
        await _bench.KeysAsync();
        using SigningKeys keys = SigningKeys.Load(null, null, _bench.In("keys/pcr.key"), () => "");
        byte[] efi = TrustBench.Make(keys).Efi;
        string[] sections = [.. new[] { ".linux", ".osrel", ".cmdline", ".initrd", ".pcrpkey" }.Select(name =>
        {
            File.WriteAllBytes(_bench.In(name), UnifiedKernelImage.Section(efi, name).ToArray());
            return $"--{name[1..]}={_bench.In(name)}";
        })];
        using SoftwareTpm swtpm = SoftwareTpm.Start(); // their program asks a TPM for the policy digest
        (int code, string output) = PeBench.Run("/lib/systemd/systemd-measure", ["sign", .. sections, "--bank=sha256", "--phase=", "--json=short",
            $"--private-key={_bench.In("keys/pcr.key")}", $"--public-key={_bench.In(".pcrpkey")}", $"--tpm2-device=swtpm:path={swtpm.SocketPath}"]);
        Assert.True(code == 0, output);
        Assert.Contains(Encoding.UTF8.GetString(UnifiedKernelImage.Section(efi, ".pcrsig").Span), output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Signing_keeps_the_policy_and_sealing_without_a_key_for_it_leaves_it_out_and_says_so()
    {
        string[] keys = await _bench.KeysAsync();
        using (SigningKeys release = SigningKeys.Load(null, null, _bench.In("keys/pcr.key"), () => ""))
            File.WriteAllBytes(_bench.Release, TrustBench.Make(release).Efi);
        await _bench.Ok(["image", "sign", "--image", _bench.Release, "-o", _bench.In("signed.efi"), .. keys]);
        byte[] before = File.ReadAllBytes(_bench.Release), signed = File.ReadAllBytes(_bench.In("signed.efi"));
        Assert.True(Assert.Single(Authenticode.Signatures(signed)).IsValid);
        Assert.Equal(UnifiedKernelImage.Section(before, ".pcrsig").ToArray(), UnifiedKernelImage.Section(signed, ".pcrsig").ToArray());
        Assert.Equal(KernelImagePcr.Predict(before), KernelImagePcr.Predict(signed));

        string said = await _bench.Ok(["image", "seal", "--image", _bench.In("signed.efi"), "--farm", _bench.Farm, "-o", _bench.In("farm.efi"), .. keys]);
        Assert.Contains("--pcr-key", said, StringComparison.Ordinal);
        Assert.True(UnifiedKernelImage.Section(File.ReadAllBytes(_bench.In("farm.efi")), ".pcrsig").IsEmpty);
        Assert.Contains("\"pcrSigningKey\": null", File.ReadAllText(_bench.In("farm.measurements.json")), StringComparison.Ordinal);
        Assert.Contains("another owner", await _bench.Ok("image", "seal", "--image", _bench.Release, "--farm", _bench.Farm, "-o", _bench.In("unsigned.efi")),
            StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Inspect_says_of_a_changed_file_that_signature_and_policy_do_not_hold()
    {
        await _bench.KeysAsync();
        using SigningKeys keys = SigningKeys.Load(_bench.In("keys/secure-boot.key"), _bench.In("keys/secure-boot.pem"), _bench.In("keys/pcr.key"), () => "");
        byte[] efi = TrustBench.Make(keys).Efi;
        efi[efi.AsSpan().IndexOf("ID=zeroos"u8)] ^= 1;
        File.WriteAllBytes(_bench.In("changed.efi"), efi);
        string said = await _bench.Ok("image", "inspect", _bench.In("changed.efi"));
        Assert.Contains("NOT VALID", said, StringComparison.Ordinal);
        Assert.Contains("does NOT HOLD", said, StringComparison.Ordinal);
        Assert.Contains("\"signed\":false", await _bench.Ok("image", "inspect", "--json", _bench.In("changed.efi")), StringComparison.Ordinal);
        Assert.Contains("not signed", await _bench.Ok("image", "inspect", _bench.Release), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_key_under_a_passphrase_opens_with_it_and_with_no_other()
    {
        const string Snakeoil = "/usr/share/ovmf/PkKek-1-snakeoil";
        Skip.IfNot(File.Exists(Snakeoil + ".key"), "ovmf is not installed");
        await Task.CompletedTask;
        using SigningKeys keys = SigningKeys.Load(Snakeoil + ".key", Snakeoil + ".pem", null, () => "snakeoil");
        File.WriteAllBytes(_bench.In("signed.efi"), TrustBench.Make(keys).Efi);
        PeBench.Run("/usr/bin/sbverify", "--cert", Snakeoil + ".pem", _bench.In("signed.efi")).Succeeded();
        Assert.Throws<ZeroOS.Media.MediaException>(() => SigningKeys.Load(Snakeoil + ".key", Snakeoil + ".pem", null, () => "wrong"));
    }

    [SkippableFact]
    public async Task Keys_are_their_owners_alone_fit_each_other_and_are_never_written_over()
    {
        await _bench.KeysAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.In("keys/secure-boot.key")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.In("keys/pcr.key")));
        (int code, string output) = PeBench.Run("/usr/bin/openssl", "x509", "-inform", "DER", "-in", _bench.In("keys/secure-boot.cer"), "-noout", "-subject",
            "-checkend", "315360000");
        Assert.True(code == 0, output);
        Assert.Contains("ZeroOS farm", output, StringComparison.Ordinal);
        Assert.Contains("never written over", await _bench.Fails(1, "image", "keys", "new", "-o", _bench.In("keys")), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task What_cannot_be_signed_is_refused_with_the_reason_and_writes_nothing()
    {
        string[] keys = await _bench.KeysAsync();
        string[] to = ["-o", _bench.In("out.efi")];
        Assert.Contains("sign with what", await _bench.Fails(2, ["image", "sign", "--image", _bench.Release, .. to]), StringComparison.Ordinal);
        Assert.Contains("both", await _bench.Fails(2, ["image", "sign", "--image", _bench.Release, .. to, .. keys[..2]]), StringComparison.Ordinal);
        Assert.Contains("is not there", await _bench.Fails(1, ["image", "sign", "--image", _bench.In("none"), .. to, .. keys]), StringComparison.Ordinal);
        Assert.Contains("PE file", await _bench.Fails(1, ["image", "sign", "--image", _bench.Farm, .. to, .. keys]), StringComparison.Ordinal);
        Assert.Contains("refuse these farm settings", await _bench.Fails(1,
            ["image", "seal", "--image", _bench.Release, "--farm", _bench.Release, .. to, .. keys]), StringComparison.Ordinal);
        Assert.Contains("not that of the signing key", await _bench.Fails(1,
            ["image", "sign", "--image", _bench.Release, .. to, "--secure-boot-key", _bench.In("keys/pcr.key"), .. keys[2..]]), StringComparison.Ordinal);
        Assert.Contains("not an RSA private key", await _bench.Fails(1, ["image", "sign", "--image", _bench.Release, .. to, "--secure-boot-key",
            _bench.In("keys/secure-boot.pem"), .. keys[2..]]), StringComparison.Ordinal);
        Assert.False(File.Exists(_bench.In("out.efi")));
    }
}
