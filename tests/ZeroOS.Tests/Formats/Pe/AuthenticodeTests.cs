using ZeroOS.Formats.Pe;

namespace ZeroOS.Tests.Formats.Pe;

public sealed class AuthenticodeTests : IDisposable
{
    private readonly PeBench _bench;

    public AuthenticodeTests() => _bench = new PeBench();

    public void Dispose() => _bench.Dispose();

    [SkippableFact]
    public void Sbverify_accepts_a_signed_image_and_refuses_one_with_any_byte_flipped()
    {
        byte[] signed = _bench.Sign(PeBench.Image());
        string certificate = _bench.WriteCertificate();
        Assert.Contains("Signature verification OK", PeBench.Run("/usr/bin/sbverify", "--cert", certificate, _bench.Write("good.efi", signed)).Said,
            StringComparison.Ordinal);
        Assert.Single(Authenticode.Signatures(signed), s => s.IsValid && s.Certificate.Span.SequenceEqual(_bench.Certificate.RawData));
        Random random = new(3);
        int certificates = signed.Length - 1400;
        foreach (int at in (int[])[0x50, 0x200, 0x500, .. Enumerable.Range(0, 12).Select(_ => random.Next(certificates))])
        {
            byte[] flipped = [.. signed];
            flipped[at] ^= 1;
            (int code, string output) = PeBench.Run("/usr/bin/sbverify", "--cert", certificate, _bench.Write("bad.efi", flipped));
            Assert.True(code != 0, $"byte {at} was flipped and sbverify says: {output}");
            Assert.DoesNotContain(Signatures(flipped), s => s.IsValid);
        }
    }

    [SkippableFact]
    public void Osslsigncode_computes_the_same_digest_and_accepts_the_signature()
    {
        byte[] image = PeBench.Image();
        string file = _bench.Write("signed.efi", _bench.Sign(image));
        (int code, string output) = PeBench.Run("/usr/bin/osslsigncode", "verify", "-CAfile", _bench.WriteCertificate(), "-in", file);
        Assert.True(code == 0, output);
        string hex = Convert.ToHexString(Authenticode.Digest(image));
        Assert.Equal(2, output.Split(hex).Length - 1); // "current" and "calculated"
    }

    [SkippableFact]
    public void Sbsign_signs_the_same_digest()
    {
        byte[] image = PeBench.Image();
        string key = _bench.Write("key.pem", System.Text.Encoding.ASCII.GetBytes(_bench.Key.ExportPkcs8PrivateKeyPem())),
            output = _bench.Write("theirs.efi", []);
        (int code, string said) = PeBench.Run("/usr/bin/sbsign", "--key", key, "--cert", _bench.WriteCertificate(), "--output", output,
            _bench.Write("image.efi", image));
        Assert.True(code == 0, said);
        Assert.DoesNotContain("warning", said, StringComparison.Ordinal);
        AuthenticodeSignature theirs = Assert.Single(Authenticode.Signatures(File.ReadAllBytes(output)));
        Assert.True(theirs.IsValid);
        Assert.Equal(Authenticode.Digest(image), theirs.Digest.ToArray());
        // Signed again by us, their signature is gone.
        Assert.Equal(_bench.Sign(image), _bench.Sign(File.ReadAllBytes(output)));
    }

    [SkippableFact]
    public void The_same_file_and_key_give_the_same_bytes_and_signing_again_changes_nothing()
    {
        byte[] image = PeBench.Image(), signed = _bench.Sign(image);
        Assert.Equal(signed, _bench.Sign(image));
        Assert.Equal(signed, _bench.Sign(signed));
        Assert.Equal(Authenticode.Digest(image), Authenticode.Digest(signed));
        Assert.Empty(Authenticode.Signatures(image));
    }

    [SkippableFact]
    public void Another_key_replaces_the_signature_and_the_first_certificate_no_longer_verifies_it()
    {
        using PeBench other = new(other: true);
        byte[] signed = _bench.Sign(other.Sign(PeBench.Image()));
        Assert.True(Assert.Single(Authenticode.Signatures(signed)).IsValid);
        string file = _bench.Write("again.efi", signed);
        PeBench.Run("/usr/bin/sbverify", "--cert", _bench.WriteCertificate(), file).Succeeded();
        Assert.NotEqual(0, PeBench.Run("/usr/bin/sbverify", "--cert", other.WriteCertificate(), file).Code);
    }

    [SkippableFact]
    public void A_certificate_of_another_key_is_refused()
    {
        using PeBench other = new(other: true);
        Assert.Throws<InvalidDataException>(() => Authenticode.Sign(PeBench.Image(), other.Certificate.RawData, _bench.Key));
        Assert.Throws<InvalidDataException>(() => Authenticode.Sign(PeBench.Image(), "not a certificate"u8, _bench.Key));
    }

    [SkippableFact]
    public void A_signature_moved_to_another_file_is_not_valid()
    {
        byte[] signed = _bench.Sign(PeBench.Image()), other = PeBench.Image();
        other[^600] ^= 1; // in the kernel
        byte[] moved = [.. other, .. signed.AsSpan(other.Length)];
        signed.AsSpan(0, 1024).CopyTo(moved);
        Assert.False(Assert.Single(Authenticode.Signatures(moved)).IsValid);
    }

    [SkippableFact]
    public void Bytes_that_no_section_owns_are_refused_between_sections_and_signed_at_the_end()
    {
        byte[] image = PeBench.Image();
        Assert.NotEqual(Authenticode.Digest(image), Authenticode.Digest([.. image, 1, 2, 3]));
        byte[] signed = _bench.Sign([.. image, 1, 2, 3]);
        PeBench.Run("/usr/bin/sbverify", "--cert", _bench.WriteCertificate(), _bench.Write("odd.efi", signed)).Succeeded();
        Assert.Throws<InvalidDataException>(() => Authenticode.Digest(WithAGap(image)));
    }

    /// <summary>The raw size of the stub's last section made smaller, so that its end belongs to nobody.</summary>
    private static byte[] WithAGap(byte[] image)
    {
        byte[] gap = [.. image];
        int header = gap.AsSpan().IndexOf(".sdmagic"u8);
        gap[header + 17] = 0; // 0x200 becomes 0x000 + what is left
        gap[header + 16] = 0x40;
        return gap;
    }

    private static IReadOnlyList<AuthenticodeSignature> Signatures(byte[] file)
    {
        try
        {
            return Authenticode.Signatures(file);
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }
}
