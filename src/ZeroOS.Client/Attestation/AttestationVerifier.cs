using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Tpm;
using ZeroOS.Formats.Tpm.EventLog;

namespace ZeroOS.Client.Attestation;

/// <summary>
/// Makes a verdict from evidence: no I/O, no clock, no chance. First that the words are those of one TPM, about this question and this node; if not, nothing
/// else is looked at. Then what the words say.
/// </summary>
public sealed class AttestationVerifier
{
    private readonly Evidence _evidence;
    private readonly Expectation _expected;
    private readonly List<Finding> _findings = [];
    private readonly List<string> _unproved = [];
    private AttestedTpm _tpm = null!;
    private TpmAttestation _statement = null!;
    private Dictionary<int, byte[]> _pcrs = [];
    private MeasuredBootLog _log = null!;
    private byte[] _farm = [];
    private string _settings = "";

    private AttestationVerifier(Evidence evidence, Expectation expected) => (_evidence, _expected) = (evidence, expected);

    /// <summary>The verdict. Never throws, whatever came.</summary>
    public static AttestationReport Verify(Evidence evidence, Expectation expected) => new AttestationVerifier(evidence, expected).Verify();

    private AttestationReport Verify()
    {
        bool genuine = false;
        try
        {
            genuine = TheTpmSaysSo() && TheKeyIsInTheTpm() && ItAnswersThisQuestion() && ItIsTheSameTpm() && ItsMakerIsKnown() && TheRegistersAreThoseQuoted();
            if (genuine && TheLogIsTrue())
            {
                TheImageWasStarted();
                TheImageRuns();
                ItHasTheSettings();
                TheFirmwareIsTheSame();
                _findings.Add(BootChain.SecureBoot(_log));
                TheIdentityIsSealed();
            }
        }
        catch (Exception e) when (e is TpmException or EventLogException or CryptographicException)
        {
            Fail("answer", Reasons.Malformed, e.Message.TrimEnd('.'));
        }
        return Report(genuine);
    }

    // ---- whose words these are ------------------------------------------------------------------------------------

    private bool TheTpmSaysSo()
    {
        _tpm = AttestedTpm.Read(_evidence.Quote);
        if (!_tpm.SignsOnlyTheTpmsWords)
            return Fail("key", Reasons.NotAnAttestationKey,
                "the key that signed is not one that signs only what a TPM itself says, so its signature proves nothing");
        byte[] statement = AttestedTpm.Bytes(_evidence.Quote.Statement);
        if (!TpmSignature.Parse(AttestedTpm.Bytes(_evidence.Quote.Signature)).Verifies(_tpm.Attestation, statement))
            return Fail("signature", Reasons.SignatureWrong, "the quote is not signed by the attestation key that came with it");
        _statement = TpmAttestation.Parse(statement);
        TpmPcrSelection asked = new(TpmAlgorithm.Sha256, [.. Evidence.Pcrs]);
        if (!_statement.IsQuote || _statement.Pcrs is not [TpmPcrSelection said] || said.Hash != TpmAlgorithm.Sha256 || said.Mask != asked.Mask
            || !_statement.QualifiedSigner.Span.SequenceEqual(_tpm.QualifiedName))
            return Fail("quote", Reasons.NotAQuote, "what is signed is not a quote of the registers asked for by a key of the endorsement hierarchy");
        return Hold("signature", $"the registers are quoted and signed by attestation key {Short(_tpm.AttestationName)}");
    }

    private bool TheKeyIsInTheTpm()
    {
        if (!_tpm.IsEndorsed)
            return Fail("key", Reasons.NotAnEndorsementKey, "the endorsement key is not of the kind that TPMs are made with");
        return _evidence.ToldSecret is { } told && CryptographicOperations.FixedTimeEquals(told, _evidence.Secret)
            ? Hold("key", $"that key lives in the TPM with endorsement key {Short(_tpm.EndorsementName)}: it met a challenge only that TPM can")
            : Fail("key", Reasons.KeyNotInTpm, "the node cannot show that the key that signed lives in the TPM it names");
    }

    private bool ItAnswersThisQuestion()
    {
        if (AttestedTpm.Bytes(_evidence.Quote.SealingKey) is var key && !key.AsSpan().SequenceEqual(_evidence.SealingKey))
            return Fail("freshness", Reasons.ReplayedQuote,
                "the quote is for another connection than this one: somebody stands between, or the node drew new keys just now");
        _farm = Optional(_evidence.Quote.FarmSettings);
        byte[] binding = AttestationBinding.Compute(_evidence.Nonce, _evidence.Node, _evidence.Epoch, key, _evidence.Quote.IdentitySealed, _farm);
        return _statement.ExtraData.Span.SequenceEqual(binding)
            ? Hold("freshness", "the quote was made for this question, by the start of the node that this connection is sealed to")
            : Fail("freshness", Reasons.ReplayedQuote, "the quote was made for another question, another node or another start: it is an old one, or borrowed");
    }

    private bool ItIsTheSameTpm()
    {
        if (_expected.Pinned is not PinnedTpm pinned)
        {
            _unproved.Add("that this is the same TPM as ever, for it is the first time");
            return Note("tpm", $"seen for the first time: endorsement key {_tpm.EndorsementName}");
        }
        if (pinned.EndorsementKey == _tpm.EndorsementName && pinned.AttestationKey == _tpm.AttestationName)
            return Hold("tpm", "it is the TPM of the first attestation");
        string both = $"this is the TPM with endorsement key {_tpm.EndorsementName} (attestation key {_tpm.AttestationName}), "
            + $"and the node had {pinned.EndorsementKey} ({pinned.AttestationKey})";
        return _expected.NewTpm ? Note("tpm", $"accepted: {both}")
            : Fail("tpm", Reasons.OtherTpm, $"{both}: another mainboard, a cleared TPM, or another computer in its place; if you know why: --new-tpm");
    }

    private bool ItsMakerIsKnown()
    {
        byte[]? der = Optional(_evidence.Quote.EndorsementCertificate) is { Length: > 0 } certificate ? certificate : null;
        if (_expected.EndorsementAuthorities is not string authorities)
        {
            _unproved.Add("that the TPM is a chip and not a program (--ek-ca)");
            return Note("maker", der is null ? "the TPM holds no certificate of a maker" : $"unchecked: a certificate by {EndorsementCertificate.Issuer(der)}");
        }
        return EndorsementCertificate.Check(der, _tpm.Endorsement, authorities, out string says) ? Hold("maker", says)
            : Fail("maker", Reasons.CertificateNotTrusted, says);
    }

    private bool TheRegistersAreThoseQuoted()
    {
        byte[][] values = [.. _evidence.Quote.Pcrs.Select(AttestedTpm.Bytes)];
        if (values.Length != Evidence.Pcrs.Count || values.Any(v => v.Length != 32)
            || !SHA256.HashData([.. values.SelectMany(v => v)]).AsSpan().SequenceEqual(_statement.PcrDigest.Span))
            return Fail("registers", Reasons.RegistersDiffer, "the register values that came are not those the TPM signed");
        _pcrs = Evidence.Pcrs.Zip(values).ToDictionary(p => p.First, p => p.Second);
        return true;
    }

    private bool TheLogIsTrue()
    {
        _log = MeasuredBootLog.Read(AttestedTpm.Bytes(_evidence.Quote.EventLog));
        byte[][] replayed = _log.Replay();
        int[] wrong = [.. Evidence.Pcrs.Where(p => !replayed[p].AsSpan().SequenceEqual(_pcrs[p]))];
        return wrong.Length == 0
            ? Hold("log", $"the event log gives the quoted value of every register ({string.Join(", ", Evidence.Pcrs)})")
            : Fail("log", Reasons.LogDiffers, $"the event log does not give the quoted value of PCR {string.Join(", ", wrong)}: "
                + "it is not the log of this start, or something was measured that it leaves out");
    }

    // ---- what they say --------------------------------------------------------------------------------------------

    private void TheImageWasStarted()
    {
        if (_expected.Measurements is Measurements image)
            _findings.Add(BootChain.Check(_log, image, _expected.Accepted));
        else
            Fail("started", Reasons.NoMeasurements,
                $"no measurements were given (--measurements FILE), so no image can be told; the firmware started {BootChain.Describe(_log)}");
    }

    private void TheImageRuns()
    {
        string value = Convert.ToHexStringLower(_pcrs[11]);
        if (_expected.Measurements is not Measurements image)
            Note("image", $"the node calls itself ZeroOS {_evidence.Quote.Version}, image {_evidence.Quote.ImageDigest}; PCR 11 is {value}");
        else if (value.Equals(image.Pcr11, StringComparison.OrdinalIgnoreCase))
            Hold("image", $"kernel, system and command line are those of ZeroOS {image.Version}, image {image.ImageDigest}");
        else
            Fail("image", Reasons.WrongImage, $"PCR 11 is {value}, and ZeroOS {image.Version} gives {image.Pcr11}");
    }

    /// <summary>
    /// Two things: nothing unknown lay beside the image, which the registers tell; and which settings are in force, which the image tells, now that it is
    /// known.
    /// </summary>
    private void ItHasTheSettings()
    {
        byte[] nothing = new byte[32], beside = _evidence.Quote.SettingsBeside is string other ? AttestedTpm.Bytes(other)
            : _pcrs[12].AsSpan().SequenceEqual(nothing) ? [] : _farm;
        byte[] wanted = beside.Length == 0 ? nothing
            : MeasuredBootLog.Extend(PcrBank.Sha256, nothing, SHA256.HashData(StubArchive.Credentials((Path.GetFileName(FarmSettings.Path), beside))!));
        _settings = _farm.Length == 0 ? "no farm settings"
            : FarmDocument.TryVerify(_farm, out FarmSettings? settings, out _)
                ? $"the settings of farm \"{settings.Name}\" (version {settings.Version}, owners {string.Join(" ", settings.Owners)})"
            : "settings that no node should accept";
        if (!_pcrs[13].AsSpan().SequenceEqual(nothing))
            Fail("settings", Reasons.SettingsDiffer, "other files than settings lay beside the image and were given to it (PCR 13)");
        else if (!_pcrs[12].AsSpan().SequenceEqual(wanted))
            Fail("settings", Reasons.SettingsDiffer,
                $"PCR 12 is {Convert.ToHexStringLower(_pcrs[12])}, and the settings that lay beside the image give {Convert.ToHexStringLower(wanted)}: "
                + "other settings, more files, or another command line");
        else if (_expected.Farm is not null && !_farm.AsSpan().SequenceEqual(_expected.Farm))
            Fail("settings", Reasons.SettingsDiffer, $"in force are {_settings}, which are not those given");
        else
            Hold("settings", $"in force are {_settings}{(beside.AsSpan().SequenceEqual(_farm) ? "" : ", which did not lie beside the image")}; "
                + "no other file beside it, no other command line");
    }

    private void TheFirmwareIsTheSame()
    {
        int drivers = BootChain.Drivers(_log);
        string ran = drivers switch
        {
            0 => "no driver from a card or a disk",
            1 => "one driver from a card or a disk",
            _ => $"{drivers} drivers from cards or disks"
        };
        _unproved.Add(drivers == 0 ? "that the firmware is honest" : "that the firmware and the drivers it ran are honest");
        (string zero, string two) = (Convert.ToHexStringLower(_pcrs[0]), Convert.ToHexStringLower(_pcrs[2]));
        if (_expected.Pinned is not PinnedTpm pinned || _expected.NewTpm)
            Note("firmware", $"seen for the first time; it ran {ran} (PCR 0 {Short(zero)}, PCR 2 {Short(two)})");
        else if (pinned.Pcr0 == zero && pinned.Pcr2 == two)
            Hold("firmware", $"as at the first attestation; it ran {ran}");
        else if (_expected.NewFirmware)
            Note("firmware", $"accepted: another than at the first attestation; it ran {ran}");
        else
            Fail("firmware", Reasons.FirmwareChanged,
                $"{(pinned.Pcr0 == zero ? "the drivers it ran are" : "it is")} not as at the first attestation, and it ran {ran}; "
                + "if you updated it or changed a card: --new-firmware");
    }

    private void TheIdentityIsSealed()
    {
        if (_evidence.Quote.IdentitySealed)
        {
            Hold("identity", $"the TPM gives the node's key {_evidence.Node} to images of its signer only");
            return;
        }
        Note("identity", $"this start has the node's key {_evidence.Node}, which also lies open on its disk");
        _unproved.Add("that nobody else has a copy of the node's key, for it is not sealed");
    }

    // ---- in one sentence ------------------------------------------------------------------------------------------

    private AttestationReport Report(bool genuine)
    {
        Finding? failed = _findings.Find(f => f.Verdict == Verdict.Fails);
        _unproved.Add("that nobody with the computer in hand reads or changes its memory or its disks");
        string sentence = failed is not null
            ? $"Not proved: {failed.Reason}: {failed.Says}."
            : $"Proved: the node runs ZeroOS {_expected.Measurements!.Version} and nothing else, with {_settings}, "
                + $"and what you seal to {_evidence.Node} now is read by that start alone; "
                + $"not proved: {string.Join("; ", _unproved)}.";
        return new AttestationReport
        {
            Proved = failed is null,
            Sentence = sentence,
            Reason = failed?.Reason,
            Findings = _findings,
            Tpm = !genuine ? null : new PinnedTpm
            {
                EndorsementKey = _tpm.EndorsementName,
                AttestationKey = _tpm.AttestationName,
                Pcr0 = Convert.ToHexStringLower(_pcrs[0]),
                Pcr2 = Convert.ToHexStringLower(_pcrs[2]),
            },
        };
    }

    private bool Hold(string check, string says) => Add(new Finding(check, Verdict.Holds, says));

    private bool Note(string check, string says) => Add(new Finding(check, Verdict.Open, says));

    private bool Fail(string check, string reason, string says) => !Add(new Finding(check, Verdict.Fails, says, reason));

    private bool Add(Finding finding)
    {
        _findings.Add(finding);
        return true;
    }

    private static byte[] Optional(string? base64) => base64 is null ? [] : AttestedTpm.Bytes(base64);

    private static string Short(string hex) => hex.Length > 16 ? hex[^16..] : hex;
}
