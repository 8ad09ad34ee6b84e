using System.Security.Cryptography;

using ZeroOS.Bus.Keys;
using ZeroOS.Client.Attestation;
using ZeroOS.Contracts.Bus;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Tpm;
using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Node.Attestation;
using ZeroOS.Tests.Client.Attestation;
using ZeroOS.Tests.Formats.Tpm;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Attestation;

/// <summary>The node's side with a real swtpm, judged by our verifier and by tpm2-tools.</summary>
public sealed class AttestorTests
{
    private static readonly byte[] s_evil = SHA256.HashData("evil.efi"u8);

    [SkippableFact]
    public async Task A_measured_boot_is_proved_to_who_asks()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        Evidence evidence = await bench.AskAsync();
        AttestationReport report = AttestationVerifier.Verify(evidence, bench.Expected);
        Assert.True(report.Proved, report.Sentence);
        if (Environment.GetEnvironmentVariable("ZEROOS_RECORD") == "1")
            AttestationVector.Save("swtpm", evidence, AttestationBench.Image);

        // The next start of the same machine has the same keys; an answer of before is worth nothing.
        bench.Boot(bench.Log());
        Evidence later = await bench.AskAsync();
        AttestationReport second = AttestationVerifier.Verify(later, bench.Expected with { Pinned = report.Tpm });
        Assert.True(second.Proved, second.Sentence);
        Assert.Equal(report.Tpm, second.Tpm);
        Assert.Equal(Reasons.ReplayedQuote, AttestationVerifier.Verify(later with { Quote = evidence.Quote }, bench.Expected).Reason);
    }

    [SkippableFact]
    public async Task What_was_booted_otherwise_is_not_proved_and_says_why()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        async Task<string?> ReasonOf(byte[] log, byte[]? shown = null, Expectation? expected = null)
        {
            bench.Boot(log, shown);
            return AttestationVerifier.Verify(await bench.AskAsync(), expected ?? bench.Expected).Reason;
        }

        Assert.Null(await ReasonOf(bench.Log()));
        Assert.Equal(Reasons.WrongImage, await ReasonOf(bench.Log("other")));
        Assert.Equal(Reasons.LogDiffers, await ReasonOf(bench.Log("other"), shown: bench.Log()));
        Assert.Equal(Reasons.UnknownBootFile, await ReasonOf(bench.Log(before: l => l.Application(s_evil, "\\EFI\\BOOT\\evil.efi"))));
        Assert.Null(await ReasonOf(bench.Log(before: l => l.Application(s_evil, "ipxe.efi")),
            expected: bench.Expected with { Accepted = [Convert.ToHexString(s_evil)] }));
        Assert.Equal(Reasons.SettingsDiffer, await ReasonOf(bench.Log(settings: StubArchive.Credentials(("farm.cred", AttestationBench.NewFarm("evil"))))));
        Assert.Equal(Reasons.SettingsDiffer,
            await ReasonOf(bench.Log(settings: StubArchive.Credentials(("farm.cred", bench.Farm), ("more.cred", "x"u8.ToArray())))));
        Assert.Equal(Reasons.SettingsDiffer, await ReasonOf(bench.Log(after: l => l.Stub(12, "init=/bin/sh"u8, "init=/bin/sh"))));
        Assert.Equal(Reasons.SettingsDiffer, await ReasonOf(bench.Log(after: l => l.Stub(13, "sysext"u8, "System extension initrd"))));
    }

    [SkippableFact]
    public async Task Settings_in_force_that_did_not_lie_beside_the_image_are_told_and_compared()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        bench.InForce = AttestationBench.NewFarm("second"); // from inside the image, or put in force later
        Evidence evidence = await bench.AskAsync();
        AttestationReport report = AttestationVerifier.Verify(evidence, bench.Expected with { Farm = bench.InForce });
        Assert.True(report.Proved, report.Sentence);
        Assert.Contains("farm \"second\"", report.Sentence, StringComparison.Ordinal);
        Assert.Contains(report.Findings, f => f.Check == "settings" && f.Says.Contains("which did not lie beside the image", StringComparison.Ordinal));
        Assert.Equal(Reasons.SettingsDiffer, AttestationVerifier.Verify(evidence, bench.Expected with { Farm = bench.Farm }).Reason);
        NodeQuote lie = evidence.Quote with { FarmSettings = Convert.ToBase64String(bench.Farm) };
        Assert.Equal(Reasons.ReplayedQuote, AttestationVerifier.Verify(evidence with { Quote = lie }, bench.Expected).Reason);
    }

    [SkippableFact]
    public async Task A_kernel_that_was_started_alone_cannot_measure_itself_into_the_image()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        // Whoever runs our kernel with an initramfs of their own can extend all that the image would have: but not before the kernel.
        bench.Boot(bench.Log(before: l => l.Application(Convert.FromHexString(AttestationBench.Image.Linux.Authenticode), "vmlinuz")));
        Assert.Equal(Reasons.UnknownBootFile, AttestationVerifier.Verify(await bench.AskAsync(), bench.Expected).Reason);
    }

    [SkippableFact]
    public async Task A_started_file_is_found_under_whatever_name_the_log_gives_it()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        bench.Boot(bench.Log(before: l => l.Add(4, EventType.EfiAction, "Calling EFI Application from Boot Option"u8, s_evil)));
        Assert.Equal(Reasons.UnknownBootFile, AttestationVerifier.Verify(await bench.AskAsync(), bench.Expected).Reason);
    }

    [SkippableFact]
    public async Task Secure_Boot_is_what_was_measured_before_anything_ran()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        byte[] log = new EventLogBuilder().Variable(FirmwareVariable.Global, "SecureBoot", [0]).Separators()
            .Variable(FirmwareVariable.Global, "SecureBoot", [1]).ToBytes();
        bench.Boot(log);
        AttestationReport report = AttestationVerifier.Verify(await bench.AskAsync(), bench.Expected);
        Assert.Equal("off", report.Findings.Single(f => f.Check == "secure boot").Says);
    }

    [SkippableFact]
    public async Task Another_machine_cannot_lend_its_TPM()
    {
        using AttestationBench evil = new(SoftwareTpm.Start()), honest = new(SoftwareTpm.Start());
        // The evil node hands the question on and shows the honest one's answer under its own name.
        byte[] nonce = RandomNumberGenerator.GetBytes(32);
        NodeQuote borrowed = await honest.QuoteAsync(nonce);
        Evidence asked = await evil.AskAsync() with
        {
            Nonce = nonce,
            Quote = borrowed,
            SealingKey = Convert.FromBase64String(honest.SealingKey),
            Epoch = Convert.FromBase64String(honest.Epoch)
        };
        Assert.Equal(Reasons.ReplayedQuote, AttestationVerifier.Verify(asked, evil.Expected).Reason);

        // Its own quote with the honest TPM's endorsement key: the challenge is met by nobody.
        NodeQuote mixed = (await evil.QuoteAsync(nonce)) with { EndorsementKey = borrowed.EndorsementKey };
        TpmCredential challenge = AttestedTpm.Read(mixed).Challenge(new byte[32]);
        NodeAttest body = new()
        {
            Challenge = new CredentialChallenge
            {
                Credential = Convert.ToBase64String(challenge.Object.Span),
                EncryptedSeed = Convert.ToBase64String(challenge.EncryptedSeed.Span)
            },
        };
        foreach (AttestationBench bench in (AttestationBench[])[evil, honest])
            Assert.Equal((ErrorCodes.Invalid, "challenge"), await Refused(() => bench.AnswerAsync(body)));
        Assert.True(AttestationVerifier.Verify(await honest.AskAsync(), honest.Expected).Proved); // and its keys are still there
    }

    [SkippableFact]
    public async Task A_certified_TPM_is_proved_to_be_its_maker_s()
    {
        using AttestationBench bench = new(SoftwareTpm.Start(certified: true));
        Evidence evidence = await bench.AskAsync();
        Expectation expected = bench.Expected with { EndorsementAuthorities = bench.Tpm.Authorities };
        AttestationReport report = AttestationVerifier.Verify(evidence, expected);
        Assert.True(report.Proved, report.Sentence);
        Assert.DoesNotContain("--ek-ca", report.Sentence, StringComparison.Ordinal);
        Assert.Contains(report.Findings, f => f is { Check: "maker", Verdict: Verdict.Holds });

        using AttestationBench other = new(SoftwareTpm.Start(certified: true));
        Assert.Equal(Reasons.CertificateNotTrusted,
            AttestationVerifier.Verify(evidence, expected with { EndorsementAuthorities = other.Tpm.Authorities }).Reason);
        NodeQuote another = (await other.QuoteAsync(new byte[32]));
        Assert.Equal(Reasons.CertificateNotTrusted, AttestationVerifier.Verify(
            evidence with { Quote = evidence.Quote with { EndorsementCertificate = another.EndorsementCertificate } }, expected).Reason);
    }

    [SkippableFact]
    public async Task Tpm2_checkquote_finds_the_quote_good()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        byte[] nonce = RandomNumberGenerator.GetBytes(32);
        NodeQuote quote = await bench.QuoteAsync(nonce);
        string folder = bench.Tpm.Folder;
        File.WriteAllBytes(Path.Combine(folder, "quote"), Convert.FromBase64String(quote.Statement));
        File.WriteAllBytes(Path.Combine(folder, "signature"), Convert.FromBase64String(quote.Signature));
        using ECDsa key = ECDsa.Create(TpmPublic.Parse(Convert.FromBase64String(quote.AttestationKey)).ToEc());
        File.WriteAllText(Path.Combine(folder, "ak.pem"), key.ExportSubjectPublicKeyInfoPem());
        byte[] binding = AttestationBinding.Compute(nonce, bench.Node, Convert.FromBase64String(bench.Epoch), Convert.FromBase64String(bench.SealingKey),
            identitySealed: true, bench.Farm);
        bench.Tpm.Tool("tpm2_checkquote", "-u", "ak.pem", "-m", "quote", "-s", "signature", "-g", "sha256", "-q", Convert.ToHexStringLower(binding));
    }

    [SkippableFact]
    public async Task A_question_out_of_form_is_refused_before_the_TPM_hears_of_it()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        string nonce = Convert.ToBase64String(new byte[32]);
        NodeAttest Quote(string n, params int[] pcrs) => new() { Quote = new QuoteRequest { Nonce = n, Pcrs = pcrs } };
        NodeAttest Challenge(string credential, string seed) => new() { Challenge = new CredentialChallenge { Credential = credential, EncryptedSeed = seed } };

        Assert.Equal((ErrorCodes.Invalid, "quote"), await Refused(() => bench.AnswerAsync(new NodeAttest())));
        Assert.Equal((ErrorCodes.Invalid, "quote"), await Refused(() => bench.AnswerAsync(Quote(nonce, 1) with { Challenge = Challenge("", "").Challenge })));
        Assert.Equal((ErrorCodes.Invalid, "quote.nonce"), await Refused(() => bench.AnswerAsync(Quote(Convert.ToBase64String(new byte[31]), 1))));
        foreach (int[] pcrs in (int[][])[[], [-1], [24], [3, 3], [4, 3]])
            Assert.Equal((ErrorCodes.Invalid, "quote.pcrs"), await Refused(() => bench.AnswerAsync(Quote(nonce, pcrs))));
        Assert.Equal((ErrorCodes.Invalid, "challenge.credential"), await Refused(() => bench.AnswerAsync(Challenge("", "AAAA"))));
        Assert.Equal((ErrorCodes.Invalid, "challenge.encryptedSeed"),
            await Refused(() => bench.AnswerAsync(Challenge("AAAA", Convert.ToBase64String(new byte[513])))));
        Assert.Equal((ErrorCodes.Invalid, "challenge"), await Refused(() => bench.AnswerAsync(Challenge("AAAA", "AAAA"))));
    }

    [Fact]
    public async Task Without_a_TPM_the_answer_says_so_by_a_word_for_programs()
    {
        using IdentityKey node = IdentityKey.Generate();
        using Attestor attestor = new(null,
            new AttestorFacts { Node = node.Id, IdentitySealed = () => false, SealingKey = () => "", Settings = () => null }, LineLog.Quiet);
        BusErrorException refused = await Assert.ThrowsAsync<BusErrorException>(() => Ask(attestor, node.Id));
        Assert.Equal((ErrorCodes.Unavailable, AttestationReasons.NoTpm, false), (refused.Error.Code, refused.Error.Reason, refused.Error.Retryable));
        Assert.Equal("open", attestor.Tier);
        Assert.DoesNotContain("tpm2", attestor.Features);
    }

    [Fact]
    public async Task A_TPM_that_fails_is_said_and_asked_again_the_next_time()
    {
        using IdentityKey node = IdentityKey.Generate();
        string log = Path.GetTempFileName();
        File.WriteAllBytes(log, new EventLogBuilder().Separators().ToBytes());
        int asked = 0;
        using Attestor attestor = new(new AttestationTpm(_ => throw new IOException($"broken {++asked}")), new AttestorFacts
        {
            Node = node.Id,
            IdentitySealed = () => false,
            SealingKey = () => Convert.ToBase64String(new byte[32]),
            Settings = () => null,
            Boot = new MeasuredBoot(log),
        }, LineLog.Quiet);
        attestor.Measure();
        await attestor.PrepareAsync();
        BusErrorException refused = await Assert.ThrowsAsync<BusErrorException>(() => Ask(attestor, node.Id));
        Assert.Equal((AttestationReasons.TpmFailed, "broken 3"), (refused.Error.Reason, refused.Error.Message));
        File.Delete(log);
        refused = await Assert.ThrowsAsync<BusErrorException>(() => Ask(attestor, node.Id));
        Assert.Equal(AttestationReasons.NoEventLog, refused.Error.Reason);
    }

    [Fact]
    public async Task A_key_waits_with_one_question_and_all_keys_with_eight()
    {
        using IdentityKey node = IdentityKey.Generate();
        using ManualResetEventSlim answer = new();
        string log = Path.GetTempFileName();
        File.WriteAllBytes(log, new EventLogBuilder().Separators().ToBytes());
        using Attestor attestor = new(new AttestationTpm(_ =>
        {
            answer.Wait();
            throw new IOException("late");
        }), new AttestorFacts
        {
            Node = node.Id,
            IdentitySealed = () => false,
            SealingKey = () => Convert.ToBase64String(new byte[32]),
            Settings = () => null,
            Boot = new MeasuredBoot(log)
        }, LineLog.Quiet);
        KeyId[] askers = [.. Enumerable.Range(0, Attestor.MaxWaiting + 1).Select(_ => Key())];
        Task<NodeAttestation>[] waiting = [.. askers[1..].Select(k => Ask(attestor, k))];
        Assert.Equal(ErrorCodes.Busy, (await Assert.ThrowsAsync<BusErrorException>(() => Ask(attestor, askers[1]))).Error.Code);
        Assert.Equal(ErrorCodes.Busy, (await Assert.ThrowsAsync<BusErrorException>(() => Ask(attestor, askers[0]))).Error.Code);
        answer.Set();
        foreach (Task<NodeAttestation> asked in waiting)
            Assert.Equal(AttestationReasons.TpmFailed, (await Assert.ThrowsAsync<BusErrorException>(() => asked)).Error.Reason);
        Assert.Equal(AttestationReasons.TpmFailed, (await Assert.ThrowsAsync<BusErrorException>(() => Ask(attestor, askers[0]))).Error.Reason);
        File.Delete(log);
    }

    [SkippableFact]
    public async Task A_node_with_a_sealed_identity_and_a_measured_boot_is_of_tier_attested()
    {
        using AttestationBench bench = new(SoftwareTpm.Start());
        Assert.Equal("sealed", bench.Attestor.Tier);
        bench.Attestor.Measure();       // no key has been made yet: the first answer on the bus is right already
        Assert.Equal("attested", bench.Attestor.Tier);
        await bench.Attestor.PrepareAsync();
        Assert.Equal("attested", bench.Attestor.Tier);
        Assert.Equal(["tpm2", "measured-boot"], bench.Attestor.Features);
    }

    private static KeyId Key()
    {
        using IdentityKey key = IdentityKey.Generate();
        return key.Id;
    }

    private static Task<NodeAttestation> Ask(Attestor attestor, KeyId sender) => attestor.AnswerAsync(
        new ZeroOS.Bus.Serving.RequestContext
        {
            Sender = sender,
            Roles = ZeroOS.Bus.Gates.Roles.Owner,
            MessageId = Guid.NewGuid(),
            RememberUntil = default,
            Epoch = Convert.ToBase64String(new byte[16])
        },
        new NodeAttest { Quote = new QuoteRequest { Nonce = Convert.ToBase64String(new byte[32]), Pcrs = [11] } }, CancellationToken.None);

    private static async Task<(string Code, string? Path)> Refused(Func<Task> asked)
    {
        BusErrorException e = await Assert.ThrowsAsync<BusErrorException>(asked);
        return (e.Error.Code, e.Error.Path);
    }
}
