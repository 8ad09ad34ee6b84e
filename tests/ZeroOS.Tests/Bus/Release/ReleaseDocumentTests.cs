using System.Text;

using Xunit;

using ZeroOS.Bus.Envelopes;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Release;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Tests.Bus.Release;

public sealed class ReleaseDocumentTests
{
    private static readonly IdentityKey s_alice = IdentityKey.Generate(), s_bob = IdentityKey.Generate(), s_carol = IdentityKey.Generate(),
        s_mallory = IdentityKey.Generate();

    [Fact]
    public void Two_of_three_keys_make_a_release_in_any_order_and_a_stranger_beside_them_changes_nothing()
    {
        foreach (IdentityKey[] signers in (IdentityKey[][])[[s_alice, s_bob], [s_carol, s_alice], [s_mallory, s_bob, s_carol], [s_alice, s_bob, s_carol]])
        {
            Assert.True(ReleaseDocument.TryVerify(ReleaseDocument.Sign(Manifest(), signers), TwoOfThree(), out ReleaseManifest? manifest,
                out string? fault), fault);
            Assert.Equal("1.2.3", manifest.Version);
        }
    }

    [Fact]
    public void One_signature_too_few_a_stranger_s_or_none_at_all_make_no_release()
    {
        Refused(ReleaseDocument.Sign(Manifest(), s_alice), "1 of the 3 release keys have signed, 2 must");
        Refused(ReleaseDocument.Sign(Manifest(), s_alice, s_mallory), "1 of the 3");
        Refused(ReleaseDocument.Sign(Manifest(), s_mallory), "0 of the 3");
        Refused(Envelope.Sign(ReleaseManifest.PayloadType, Payload(Manifest())), "not a signed document");
    }

    [Fact]
    public void The_same_key_twice_counts_not_at_all()
    {
        Refused(ReleaseDocument.Sign(Manifest(), s_alice, s_alice), "signed it twice");
        byte[] again = ReleaseDocument.AddSignature(ReleaseDocument.Sign(Manifest(), s_alice), s_alice);
        Refused(again, "1 of the 3");
        Assert.True(ReleaseDocument.TryVerify(ReleaseDocument.AddSignature(again, s_carol), TwoOfThree(), out _, out _));
    }

    [Fact]
    public void A_false_signature_spoils_the_good_ones() =>
        Refused(FalseSignature.In(ReleaseDocument.Sign(Manifest(), s_alice, s_bob, s_carol)), "a signature is false");

    [Fact]
    public void Signatures_over_another_kind_of_document_are_no_signatures_over_a_release()
    {
        byte[] payload = Payload(Manifest());
        Refused(Envelope.Sign(FarmSettings.PayloadType, payload, s_alice, s_bob), "another kind");
        Refused(Envelope.Sign("application/vnd.zeroos.message.v1+json", payload, s_alice, s_bob), "another kind");
    }

    [Fact]
    public void A_manifest_that_two_readers_could_read_differently_is_refused()
    {
        string good = Encoding.UTF8.GetString(Payload(Manifest()));
        foreach (string odd in (string[])[good[..^1] + ",\"version\":\"9.9.9\"}", good[..^1] + ",\"\\u0076ersion\":\"9.9.9\"}", good[..^1] + ",\"extra\":1}",
            good + " {}", "[" + good + "]",
            good.Replace("\"1.2.3\"", "null", StringComparison.Ordinal), good.Replace("\"size\":1000", "\"size\":1e3", StringComparison.Ordinal)])
        {
            Refused(Envelope.Sign(ReleaseManifest.PayloadType, Encoding.UTF8.GetBytes(odd), s_alice, s_bob), "");
        }
    }

    [Fact]
    public void A_manifest_that_makes_no_sense_is_refused_with_the_field()
    {
        ReleaseManifest good = Manifest();
        foreach ((ReleaseManifest bad, string field) in ((ReleaseManifest, string)[])
        [
            (good with { Version = "1.2" }, "version"), (good with { Version = "01.2.3" }, "version"), (good with { Version = "1.2.3-rc1" }, "version"),
            (good with { Version = "1.2.65536" }, "version"),
            (good with { Version = "1.2.3\n" }, "version"), (good with { MinimumVersion = "1.2.3" }, "minimumVersion"),
            (good with { MinimumVersion = "" }, "minimumVersion"),
            (good with { Channel = "Stable" }, "channel"), (good with { Channel = "" }, "channel"), (good with { ImageDigest = "sha256:AA" }, "imageDigest"),
            (good with { Efi = good.Efi with { Digest = "md5:00" } }, "efi.digest"), (good with { Efi = good.Efi with { Size = 0 } }, "efi.size"),
            (good with { Efi = good.Efi with { Size = ReleaseManifest.MaxEfiBytes + 1L } }, "efi.size"), (good with { Image = "zeroos" }, "image"),
            (good with { Image = "demo/zeroos:1" }, "image"),
            (good with { Image = "https://mirror.example/zeroos" }, "image"), (good with { HealthSeconds = 9 }, "healthSeconds"),
            (good with { HealthSeconds = 601 }, "healthSeconds"),
            (good with { Measurements = "x" }, "measurements"),
        ])
        {
            Refused(ReleaseDocument.Sign(bad, s_alice, s_bob), field);
        }
    }

    [Fact]
    public void What_may_be_left_out_has_its_default()
    {
        string json = Encoding.UTF8.GetString(Payload(Manifest())).Replace(",\"healthSeconds\":120", "", StringComparison.Ordinal);
        Assert.DoesNotContain("healthSeconds", json, StringComparison.Ordinal);
        byte[] document = Envelope.Sign(ReleaseManifest.PayloadType, Encoding.UTF8.GetBytes(json), s_alice, s_bob);
        Assert.True(ReleaseDocument.TryVerify(document, TwoOfThree(), out ReleaseManifest? manifest, out string? fault), fault);
        Assert.Equal(120, manifest.HealthSeconds);
    }

    [Fact]
    public void Mutated_documents_never_throw_and_never_verify_changed()
    {
        const int Seed = 20261125;
        byte[] good = ReleaseDocument.Sign(Manifest(), s_alice, s_bob);
        ReleaseKeys keys = TwoOfThree();
        Random random = new(Seed);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. good];
            for (int n = random.Next(1, 4); n > 0; n--)
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            if (ReleaseDocument.TryVerify(mutated, keys, out ReleaseManifest? manifest, out _))
                Assert.Equal(Manifest() with { Issued = manifest.Issued }, manifest);
        }
    }

    [Theory]
    [InlineData("# nobody yet\n", 0, 0)]
    [InlineData("", 0, 0)]
    [InlineData("threshold 2 # of three\r\n$A\n$B\n  $C  \n", 2, 3)]
    [InlineData("$A\nthreshold 1", 1, 1)]
    public void A_key_file_says_who_and_how_many(string text, int threshold, int count)
    {
        Assert.True(ReleaseKeys.TryParse(Fill(text), out ReleaseKeys? keys, out string? fault), fault);
        Assert.Equal((threshold, count), (keys.Threshold, keys.Keys.Count));
    }

    [Theory]
    [InlineData("$A\n", "no line says")]
    [InlineData("threshold 0\n$A", "between 1 and")]
    [InlineData("threshold 3\n$A\n$B", "between 1 and")]
    [InlineData("threshold 1\n", "between 1 and")]
    [InlineData("threshold 1\n$A\n$A", "line 3: the key is listed twice")]
    [InlineData("threshold 1\nthreshold 1\n$A", "line 2")]
    [InlineData("threshold 1\nnot-a-key", "line 2")]
    [InlineData("threshold 1\n$A $B", "line 2")]
    [InlineData("threshold -1\n$A", "line 1")]
    public void A_key_file_that_is_not_clear_is_refused(string text, string why)
    {
        Assert.False(ReleaseKeys.TryParse(Fill(text), out _, out string? fault));
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_without_release_keys_takes_no_release_whoever_signed_it()
    {
        Assert.True(ReleaseKeys.TryParse("", out ReleaseKeys? none, out _));
        Assert.False(ReleaseDocument.TryVerify(ReleaseDocument.Sign(Manifest(), s_alice), none, out _, out string? fault));
        Assert.Contains("takes no updates", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void The_key_file_of_this_repository_is_one()
    {
        Assert.True(ReleaseKeys.TryParse(File.ReadAllText(Path.Combine(Repository.Checkout.Root, "image/release-keys")), out _, out string? fault), fault);
    }

    internal static ReleaseManifest Manifest() => new()
    {
        Version = "1.2.3",
        Channel = "stable",
        MinimumVersion = "1.0.0",
        Issued = new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero),
        ImageDigest = "sha256:" + new string('a', 64),
        Efi = new ReleaseFile { Digest = "sha256:" + new string('b', 64), Size = 1000 },
        Image = "demo/zeroos",
    };

    private static byte[] Payload(ReleaseManifest manifest)
    {
        Assert.True(Envelope.TryRead(ReleaseDocument.Sign(manifest, s_alice), out Envelope? envelope));
        return [.. envelope.Payload];
    }

    private static ReleaseKeys TwoOfThree() =>
        ReleaseKeys.TryParse(Fill("threshold 2\n$A\n$B\n$C\n"), out ReleaseKeys? keys, out string? fault) ? keys : throw new InvalidOperationException(fault);

    private static string Fill(string text) =>
        text.Replace("$A", s_alice.Id.Text, StringComparison.Ordinal).Replace("$B", s_bob.Id.Text, StringComparison.Ordinal)
        .Replace("$C", s_carol.Id.Text, StringComparison.Ordinal);

    private static void Refused(byte[] document, string why)
    {
        Assert.False(ReleaseDocument.TryVerify(document, TwoOfThree(), out _, out string? fault));
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }
}
