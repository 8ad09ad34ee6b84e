using System.Security.Cryptography;

using ZeroOS.Bus.Keys;
using ZeroOS.Client.Attestation;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Tpm;

namespace ZeroOS.Tests.Client.Attestation;

/// <summary>Verdicts over evidence that was recorded once, against swtpm; every way it can be wrong has its name.</summary>
public sealed class AttestationVerifierTests
{
    private static readonly AttestationVector s_good = AttestationVector.Load("swtpm");

    [Fact]
    public void Genuine_evidence_proves_the_image_and_says_what_it_does_not_prove()
    {
        AttestationReport report = AttestationVerifier.Verify(s_good.Evidence, s_good.Expected);
        Assert.True(report.Proved, report.Sentence);
        Assert.Contains("runs ZeroOS 1.2.3 and nothing else, with the settings of farm \"first\"", report.Sentence, StringComparison.Ordinal);
        Assert.Contains("that the firmware is honest", report.Sentence, StringComparison.Ordinal);
        Assert.Contains("that nobody with the computer in hand", report.Sentence, StringComparison.Ordinal);
        Assert.Equal(1, report.Sentence.Count(c => c == '\n') + 1);
        Assert.Contains(report.Findings, f => f is { Check: "secure boot", Verdict: Verdict.Holds } && f.Says.StartsWith("on", StringComparison.Ordinal));
        Assert.DoesNotContain(report.Findings, f => f.Verdict == Verdict.Fails);
    }

    public static TheoryData<string, string> Wrongs => new()
    {
        { "another nonce", Reasons.ReplayedQuote },
        { "another node's key", Reasons.ReplayedQuote },
        { "another epoch", Reasons.ReplayedQuote },
        { "another sealing key", Reasons.ReplayedQuote },
        { "a sealing key that only the answer names", Reasons.ReplayedQuote },
        { "an identity said to lie open", Reasons.ReplayedQuote },
        { "another secret", Reasons.KeyNotInTpm },
        { "no secret", Reasons.KeyNotInTpm },
        { "a flipped bit in the signature", Reasons.SignatureWrong },
        { "a flipped bit in the statement", Reasons.SignatureWrong },
        { "a key that anybody can make", Reasons.NotAnAttestationKey },
        { "a key that signs what it is told", Reasons.NotAnAttestationKey },
        { "an endorsement key that is none", Reasons.NotAnEndorsementKey },
        { "another register value", Reasons.RegistersDiffer },
        { "a missing register value", Reasons.RegistersDiffer },
        { "a flipped digest in the log", Reasons.LogDiffers },
        { "a shortened log", Reasons.LogDiffers },
        { "no log", Reasons.Malformed },
        { "words that are not base64", Reasons.Malformed },
        { "another image", Reasons.WrongImage },
        { "another PCR 11", Reasons.WrongImage },
        { "other settings", Reasons.SettingsDiffer },
        { "no measurements", Reasons.NoMeasurements },
        { "another endorsement key pinned", Reasons.OtherTpm },
        { "another attestation key pinned", Reasons.OtherTpm },
        { "another firmware pinned", Reasons.FirmwareChanged },
        { "other cards pinned", Reasons.FirmwareChanged },
        { "an authority that is not the maker's", Reasons.CertificateNotTrusted },
    };

    [Theory]
    [MemberData(nameof(Wrongs))]
    public void What_is_wrong_has_its_name(string what, string reason)
    {
        (Evidence evidence, Expectation expected) = Spoil(what, s_good.Evidence, s_good.Expected);
        AttestationReport report = AttestationVerifier.Verify(evidence, expected);
        Assert.False(report.Proved);
        Assert.Equal(reason, report.Reason);
        Assert.StartsWith($"Not proved: {reason}: ", report.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_TPM_is_named_with_the_pinned_one_and_accepted_when_a_person_says_so()
    {
        (Evidence evidence, Expectation expected) = Spoil("another endorsement key pinned", s_good.Evidence, s_good.Expected);
        AttestationReport refused = AttestationVerifier.Verify(evidence, expected);
        Assert.Contains(expected.Pinned!.EndorsementKey, refused.Sentence, StringComparison.Ordinal);
        Assert.Contains(AttestedTpm.Read(evidence.Quote).EndorsementName, refused.Sentence, StringComparison.Ordinal);
        Assert.Null(refused.Tpm); // nothing is pinned of a stranger
        Assert.True(AttestationVerifier.Verify(evidence, expected with { NewTpm = true }).Proved);
    }

    [Fact]
    public void Ten_thousand_mutations_of_an_answer_prove_nothing_and_throw_nothing()
    {
        NodeQuote good = s_good.Evidence.Quote;
        // Base64 of everything the TPM vouches for; the settings are vouched for by PCR 12.
        (string Text, Func<NodeQuote, string, NodeQuote> Put)[] fields =
        [
            (good.Statement, (q, s) => q with { Statement = s }),
            (good.Signature, (q, s) => q with { Signature = s }),
            (good.AttestationKey, (q, s) => q with { AttestationKey = s }),
            (good.Pcrs[2], (q, s) => q with { Pcrs = [.. q.Pcrs.Take(2), s, .. q.Pcrs.Skip(3)] }),
            (good.FarmSettings!, (q, s) => q with { FarmSettings = s }),
            (good.SealingKey, (q, s) => q with { SealingKey = s }),
            (good.EventLog, (q, s) => q with { EventLog = s }),
            (good.EndorsementKey, (q, s) => q with { EndorsementKey = s }),
        ];
        for (int seed = 0; seed < 10_000; seed++)
        {
            Random random = new(seed);
            int field = random.Next(fields.Length);
            byte[] bytes = Convert.FromBase64String(fields[field].Text);
            byte[] bad = bytes[..(random.Next(5) == 0 ? random.Next(bytes.Length) : bytes.Length)];
            for (int flips = random.Next(1, 4); flips > 0 && bad.Length > 0; flips--)
                bad[random.Next(bad.Length)] ^= (byte)random.Next(1, 256);
            AttestationReport report = AttestationVerifier.Verify(s_good.Evidence with { Quote = fields[field].Put(good, Convert.ToBase64String(bad)) },
                s_good.Expected);
            // The log's descriptions and its other banks and registers are covered by nothing, and decide nothing; a key that is not the endorsed one would not
            // have met the challenge.
            if (field < 6 && !bad.AsSpan().SequenceEqual(bytes))
                Assert.False(report.Proved, $"seed {seed}");
        }
    }

    private static (Evidence, Expectation) Spoil(string what, Evidence e, Expectation x)
    {
        PinnedTpm pinned = AttestationVerifier.Verify(e, x).Tpm!;
        NodeQuote q = e.Quote;
        return what switch
        {
            "another nonce" => (e with { Nonce = RandomNumberGenerator.GetBytes(32) }, x),
            "another node's key" => (e with { Node = AnyKey() }, x),
            "another epoch" => (e with { Epoch = new byte[16] }, x),
            "another sealing key" => (e with { SealingKey = new byte[32] }, x),
            "a sealing key that only the answer names" =>
                (e with { SealingKey = new byte[32], Quote = q with { SealingKey = Convert.ToBase64String(new byte[32]) } }, x),
            "an identity said to lie open" => (e with { Quote = q with { IdentitySealed = !q.IdentitySealed } }, x),
            "another secret" => (e with { ToldSecret = new byte[32] }, x),
            "no secret" => (e with { ToldSecret = null }, x),
            "a flipped bit in the signature" => (e with { Quote = q with { Signature = Flip(q.Signature, 20) } }, x),
            "a flipped bit in the statement" => (e with { Quote = q with { Statement = Flip(q.Statement, 60) } }, x),
            "a key that anybody can make" => (e with { Quote = q with { AttestationKey = Key(q.AttestationKey, TpmObjectAttributes.FixedTpm) } }, x),
            "a key that signs what it is told" => (e with { Quote = q with { AttestationKey = Key(q.AttestationKey, TpmObjectAttributes.Restricted) } }, x),
            "an endorsement key that is none" => (e with { Quote = q with { EndorsementKey = Key(q.EndorsementKey, TpmObjectAttributes.FixedTpm) } }, x),
            "another register value" => (e with { Quote = q with { Pcrs = [.. q.Pcrs.Take(4), Flip(q.Pcrs[4], 3), .. q.Pcrs.Skip(5)] } }, x),
            "a missing register value" => (e with { Quote = q with { Pcrs = [.. q.Pcrs.Take(6)] } }, x),
            "a flipped digest in the log" => (e with { Quote = q with { EventLog = Flip(q.EventLog, 110) } }, x),
            "a shortened log" => (e with { Quote = q with { EventLog = FirstEvents(q.EventLog) } }, x),
            "no log" => (e with { Quote = q with { EventLog = "" } }, x),
            "words that are not base64" => (e with { Quote = q with { Statement = "!" } }, x),
            "another image" => (e, x with { Measurements = x.Measurements! with { Efi = x.Measurements.Efi with { Authenticode = new string('1', 64) } } }),
            "another PCR 11" => (e, x with { Measurements = x.Measurements! with { Pcr11 = new string('1', 64) } }),
            "other settings" => (e, x with { Farm = [1, 2, 3] }),
            "no measurements" => (e, x with { Measurements = null }),
            "another endorsement key pinned" => (e, x with { Pinned = pinned with { EndorsementKey = "000b" + new string('1', 64) } }),
            "another attestation key pinned" => (e, x with { Pinned = pinned with { AttestationKey = "000b" + new string('1', 64) } }),
            "another firmware pinned" => (e, x with { Pinned = pinned with { Pcr0 = new string('1', 64) } }),
            "other cards pinned" => (e, x with { Pinned = pinned with { Pcr2 = new string('1', 64) } }),
            "an authority that is not the maker's" => (e, x with { EndorsementAuthorities = "" }),
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, "no such wrong"),
        };
    }

    private static KeyId AnyKey()
    {
        using IdentityKey key = IdentityKey.Generate();
        return key.Id;
    }

    private static string Flip(string base64, int at)
    {
        byte[] bytes = Convert.FromBase64String(base64);
        bytes[at] ^= 1;
        return Convert.ToBase64String(bytes);
    }

    private static string Key(string base64, TpmObjectAttributes without)
    {
        TpmPublic key = TpmPublic.Parse(Convert.FromBase64String(base64));
        return Convert.ToBase64String((key with { Attributes = key.Attributes & ~without }).ToBytes());
    }

    /// <summary>The header and the first event: 69 bytes, and 108 of the two digests and what is around them.</summary>
    private static string FirstEvents(string base64)
    {
        byte[] log = Convert.FromBase64String(base64);
        int at = 32 + BitConverter.ToInt32(log, 28);
        int data = at + 12 + 22 + 34;
        return Convert.ToBase64String(log[..(data + 4 + BitConverter.ToInt32(log, data))]);
    }
}
