using ZeroOS.Formats.Tpm;
using ZeroOS.Tests.Repository;

namespace ZeroOS.Tests.Formats.Tpm;

public sealed class TpmClientTests
{
    internal static string VectorPath => Path.Combine(Checkout.Root, "tests/ZeroOS.Tests/Formats/Tpm/Vectors/scenario.txt");

    private static string WordsPath => Path.ChangeExtension(VectorPath, ".words");

    [Fact]
    public void Recorded_scenario_makes_the_same_commands_byte_for_byte_and_understands_the_answers()
    {
        TpmRecord record = TpmRecord.Load(VectorPath);
        Assert.Equal(File.ReadAllLines(WordsPath), TpmScenario.Run(new TpmClient(record.Replay, record.Draw)));
    }

    /// <summary>ZEROOS_RECORD=1 writes the record anew: review it like code.</summary>
    [SkippableFact]
    public void Scenario_against_swtpm_ends_as_recorded_where_it_does_not_depend_on_the_TPM()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        TpmRecord record = new();
        IReadOnlyList<string> said = TpmScenario.Run(new TpmClient(record.Recording(swtpm.Exchange), record.Draw));
        if (Environment.GetEnvironmentVariable("ZEROOS_RECORD") == "1")
        {
            record.Save(VectorPath);
            File.WriteAllLines(WordsPath, said);
        }
        static bool Fixed(string line) => !line.StartsWith("random", StringComparison.Ordinal) && !line.StartsWith("root", StringComparison.Ordinal)
            && !line.StartsWith("certified", StringComparison.Ordinal);
        Assert.Equal(File.ReadAllLines(WordsPath).Where(Fixed), said.Where(Fixed));
    }

    [Fact]
    public void Ten_thousand_changed_answers_are_understood_or_refused_by_their_own_exception()
    {
        TpmRecord original = TpmRecord.Load(VectorPath);
        Random random = new(7);
        int refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            int at = random.Next(original.Exchanges.Count);
            byte[] answer = original.Exchanges[at].Answer;
            byte[] mutant = random.Next(4) == 0 ? answer[..random.Next(answer.Length)] : [.. answer];
            for (int n = random.Next(1, 4); n > 0 && mutant.Length > 0; n--)
                mutant[random.Next(mutant.Length)] = (byte)random.Next(256);
            if (mutant.Length >= 6 && random.Next(2) == 0)
                (mutant[4], mutant[5]) = ((byte)(mutant.Length >> 8), (byte)mutant.Length);      // a right length, so that more than the header is read
            TpmRecord record = original.Rewound();
            try
            {
                RunOne(at, command => record.ReplayWith(0, mutant), record.Draw);
            }
            catch (TpmException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 5_000, 10_000);
    }

    [Theory]
    [InlineData(0x000u, "an error without a name (0x000)")]
    [InlineData(0x101u, "Failure (0x101)")]
    [InlineData(0x99Du, "PolicyFail of session 1 (0x99d)")]
    [InlineData(0x1DFu, "Integrity of parameter 1 (0x1df)")]
    [InlineData(0x18Bu, "Handle of handle 1 (0x18b)")]
    [InlineData(0x921u, "Lockout (0x921)")]
    public void Response_code_is_told_by_name_and_place(uint code, string text) => Assert.Equal(text, TpmResponseCodes.Describe(code));

    [Fact]
    public void Refusal_of_the_TPM_is_a_named_error()
    {
        TpmClient tpm = new(_ => Convert.FromHexString("80010000000a000001df"));
        TpmErrorException e = Assert.Throws<TpmErrorException>(() => tpm.GetRandom(8));
        Assert.Equal((TpmCommandCode.GetRandom, TpmError.Integrity, 0x1DFu), (e.Command, e.Error, e.ResponseCode));
        Assert.Equal("the TPM refuses GetRandom: Integrity of parameter 1 (0x1df)", e.Message);
    }

    [SkippableFact]
    public void Wire_between_processor_and_TPM_never_carries_the_sealed_data()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        byte[] secret = "thirty-two bytes of a node's seed"u8.ToArray();
        TpmRecord wire = new();
        TpmClient tpm = new(wire.Recording(swtpm.Exchange));
        TpmKey root = tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        TpmSession session = tpm.StartSession(TpmSessionKind.Policy, root);
        tpm.PolicyPcr(session, new TpmPcrSelection(TpmAlgorithm.Sha256, 11));
        TpmBlob blob = tpm.Create(root, tpm.StartSession(TpmSessionKind.Hmac, root), TpmTemplates.Sealed(tpm.PolicyGetDigest(session)), secret);
        Assert.Equal(secret, tpm.Unseal(tpm.Load(root, blob), session));
        Assert.All(wire.Exchanges,
            e => Assert.True(e.Command.AsSpan().IndexOf(secret.AsSpan(0, 16)) < 0 && e.Answer.AsSpan().IndexOf(secret.AsSpan(0, 16)) < 0));
    }

    [SkippableFact]
    public void Changed_answer_in_a_salted_session_is_noticed()
    {
        using SoftwareTpm swtpm = SoftwareTpm.Start();
        bool tamper = false;
        TpmClient tpm = new(command =>
        {
            byte[] answer = swtpm.Exchange(command);
            if (tamper)
                answer[^40] ^= 1;
            return answer;
        });
        TpmKey root = tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot);
        TpmSession session = tpm.StartSession(TpmSessionKind.Hmac, root);
        tamper = true;
        TpmException e = Assert.Throws<TpmException>(() => tpm.Create(root, session, TpmTemplates.Sealed(new byte[32]), "x"u8));
        Assert.Contains("not authenticated", e.Message, StringComparison.Ordinal);
    }

    /// <summary>The method that reads exchange number <paramref name="at"/> of the scenario.</summary>
    internal static void RunOne(int at, Func<byte[], byte[]> exchange, Func<int, byte[]> random)
    {
        TpmRecord original = TpmRecord.Load(VectorPath);
        TpmClient tpm = new(exchange, random);
        TpmCommandCode code = (TpmCommandCode)(original.Exchanges[at].Command is var c ? (c[8] << 8) | c[9] : 0);
        TpmEntity some = TpmEntity.OfHandle(0x80000000);
        TpmKey key = new(some, TpmTemplates.StorageRoot with { Unique = Convert.FromHexString(P256X), UniqueY = Convert.FromHexString(P256Y) });
        TpmSession session = TpmSession.Password;
        switch (code)
        {
            case TpmCommandCode.GetCapability:
                byte kind = original.Exchanges[at].Command[13];
                _ = kind == 6 ? tpm.GetProperties(0x100, 1).Count : kind == 5 ? tpm.GetPcrBanks().Count : tpm.GetHandles(0x81000000, 16).Count;
                break;
            case TpmCommandCode.NvReadPublic: tpm.ReadNvPublic(0x01800001); break;
            case TpmCommandCode.NvDefineSpace: tpm.DefineNv(TpmNvPublic.Counter(0x01800001, written: false)); break;
            case TpmCommandCode.NvIncrement: tpm.IncrementNv(TpmNvPublic.Counter(0x01800001, written: true), session); break;
            case TpmCommandCode.NvRead: tpm.ReadNvCounter(TpmNvPublic.Counter(0x01800001, written: true), session); break;
            case TpmCommandCode.GetRandom: tpm.GetRandom(original.Exchanges[at].Command[11]); break;
            case TpmCommandCode.PcrExtend: tpm.ExtendPcr(11, TpmAlgorithm.Sha256, new byte[32]); break;
            case TpmCommandCode.PcrRead: tpm.ReadPcrs(new TpmPcrSelection(TpmAlgorithm.Sha256, 0, 1, 2, 3, 4, 5, 6, 7)); break;
            case TpmCommandCode.CreatePrimary: tpm.CreatePrimary(TpmEntity.Owner, TpmTemplates.StorageRoot); break;
            case TpmCommandCode.StartAuthSession: tpm.StartSession(TpmSessionKind.Policy, key); break;
            case TpmCommandCode.PolicyPcr: tpm.PolicyPcr(session, new TpmPcrSelection(TpmAlgorithm.Sha256, 11)); break;
            case TpmCommandCode.PolicyGetDigest: tpm.PolicyGetDigest(session); break;
            case TpmCommandCode.Create: tpm.Create(key, session, TpmTemplates.Sealed(new byte[32]), "x"u8); break;
            case TpmCommandCode.Load: tpm.Load(key, new TpmBlob(new byte[10], TpmTemplates.Sealed(new byte[32]).ToBytes())); break;
            case TpmCommandCode.Unseal: tpm.Unseal(key, session); break;
            case TpmCommandCode.FlushContext: tpm.Flush(some); break;
            case TpmCommandCode.LoadExternal: tpm.LoadExternal(TpmTemplates.EndorsementRsa); break;
            case TpmCommandCode.ReadPublic: tpm.ReadPublic(some.Handle); break;
            case TpmCommandCode.Quote:
                TpmStatement quote = tpm.Quote(key, [], new TpmPcrSelection(TpmAlgorithm.Sha256, 11));
                _ = quote.Signature.Verifies(key.Public, quote.Attestation.Span);
                TpmAttestation.Parse(quote.Attestation.Span);
                break;
            case TpmCommandCode.Certify: TpmAttestation.Parse(tpm.Certify(key, key, []).Attestation.Span); break;
            case TpmCommandCode.PolicySecret: tpm.PolicySecret(session, TpmEntity.Endorsement); break;
            case TpmCommandCode.ActivateCredential: tpm.ActivateCredential(key, key, session, new TpmCredential(new byte[4], new byte[4])); break;
            default: throw new InvalidOperationException($"{code} is not in the table of this test");
        }
    }

    private const string P256X = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        P256Y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
}
