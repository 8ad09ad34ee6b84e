using System.Text.Json;

using ZeroOS.Contracts.Release;

namespace ZeroOS.Tests.Contracts.Release;

public class ReleaseJsonTests
{
    private static readonly Measurements s_measurements = new()
    {
        Version = "1.2.3",
        ImageDigest = "sha256:aa",
        Efi = new EfiMeasurement { Sha256 = "bb", Authenticode = "cc" },
        Linux = new LinuxMeasurement { Authenticode = "dd" },
        Pcr11 = "ee",
        PcrSigningKey = null,
    };

    [Fact]
    public void Measurements_have_the_member_names_that_verifiers_read()
    {
        Assert.Equal("""{"version":"1.2.3","imageDigest":"sha256:aa","efi":{"sha256":"bb","authenticode":"cc"}"""
            + ""","linux":{"authenticode":"dd"},"pcr11":"ee","pcrSigningKey":null}""",
            JsonSerializer.Serialize(s_measurements, ReleaseJson.Default.Measurements));
    }

    [Fact]
    public void Members_of_a_later_version_are_passed_over_and_missing_ones_are_refused()
    {
        string json = JsonSerializer.Serialize(s_measurements, ReleaseJson.Default.Measurements);
        Assert.Equal(s_measurements, JsonSerializer.Deserialize(json.Replace("{\"version\"", "{\"later\":1,\"version\"", StringComparison.Ordinal),
            ReleaseJson.Default.Measurements));
        foreach (string member in (string[])["version", "imageDigest", "efi", "linux", "pcr11", "pcrSigningKey", "sha256", "authenticode"])
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json.Replace($"\"{member}\"", "\"other\"", StringComparison.Ordinal),
                ReleaseJson.Default.Measurements));
    }

    [Fact]
    public void A_signed_policy_has_the_member_names_of_systemd()
    {
        PcrSignatures signatures = new() { Sha256 = [new PcrSignature { Pcrs = [11], KeyFingerprint = "aa", Policy = "bb", Signature = "cc==" }] };
        Assert.Equal("""{"sha256":[{"pcrs":[11],"pkfp":"aa","pol":"bb","sig":"cc=="}]}""",
            JsonSerializer.Serialize(signatures, ReleaseJson.Default.PcrSignatures));
    }
}
