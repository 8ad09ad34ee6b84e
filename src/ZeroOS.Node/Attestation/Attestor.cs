using ZeroOS.Bus.Json;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Contracts.Bus;
using ZeroOS.Formats.Tpm;
using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Linux;

namespace ZeroOS.Node.Attestation;

/// <summary>
/// The command zos.node.attest (docs/bus.md, "Attestation"). TPM commands are slow and one at a time: a key may wait with one request, eight keys in all; who
/// comes then is told to come again.
/// </summary>
internal sealed class Attestor(AttestationTpm? tpm, AttestorFacts facts, ILog log) : IDisposable
{
    /// <summary>Requests that wait or run at most, of as many keys.</summary>
    internal const int MaxWaiting = 8;

    private const int MaxFarmBytes = 64 << 10, MaxCredentialBytes = 256, MaxSeedBytes = 512;

    private readonly SemaphoreSlim _one = new(1);
    private readonly HashSet<KeyId> _asking = [];
    private volatile bool _measured;

    /// <summary>What this computer can prove, for node.info: "tpm2", "measured-boot", "secure-boot".</summary>
    public IReadOnlyList<string> Features =>
        [.. tpm is null ? (string[])[] : ["tpm2"], .. _measured ? (string[])["measured-boot"] : [], .. facts.Boot.SecureBoot ? (string[])["secure-boot"] : []];

    /// <summary>What physical access gives (docs/bus.md, "Authority").</summary>
    public string Tier => !facts.IdentitySealed() ? "open" : _measured ? "attested" : "sealed";

    /// <summary>Finds out whether this boot was measured, by one question to the TPM: the tier is right before anybody can ask for it.</summary>
    public void Measure()
    {
        try
        {
            _measured = tpm is not null && facts.Boot.IsMeasured(tpm.ReadPcr(11));
        }
        catch (Exception e) when (IsFault(e))
        {
            log.Warn($"tpm no measurement: {e.Message}");
        }
    }

    /// <summary>
    /// Makes the keys ahead of the first question, which a slow TPM takes seconds for; what fails here fails again, and is said, when somebody asks.
    /// </summary>
    public Task PrepareAsync() => tpm is null ? Task.CompletedTask : Task.Run(async () =>
    {
        await _one.WaitAsync();
        try
        {
            AttestationKeys keys = tpm.Keys();
            log.Info($"tpm attestation key={Convert.ToHexStringLower(keys.Attestation.Public.Name())} "
                + $"certificate={(keys.Certificate is null ? "none" : "there")} measured={(_measured ? "yes" : "no")}");
        }
        catch (Exception e) when (IsFault(e))
        {
            log.Warn($"tpm no attestation: {e.Message}");
        }
        finally
        {
            _one.Release();
        }
    });

    /// <summary>Answers one step.</summary>
    /// <exception cref="BusErrorException">invalid, busy, or unavailable with a reason of <see cref="AttestationReasons"/>.</exception>
    public async Task<NodeAttestation> AnswerAsync(RequestContext context, NodeAttest body, CancellationToken cancellation)
    {
        if (body.Quote is null == body.Challenge is null)
            throw Invalid("quote", "one of quote and challenge, not both and not none");
        Func<AttestationTpm, NodeAttestation> step = body.Quote is QuoteRequest quote ? Quote(context, quote) : Activate(body.Challenge!);
        if (tpm is null)
            throw Unavailable(AttestationReasons.NoTpm, "this node has no TPM 2, so it can prove nothing about what it booted; everything else works");
        Enter(context.Sender);
        try
        {
            await _one.WaitAsync(cancellation);
            try
            {
                return await Task.Run(() => step(tpm), CancellationToken.None);
            }
            catch (TpmErrorException e) when (e.Command == TpmCommandCode.ActivateCredential)
            {
                // The asker's fault, not the TPM's: the keys stay, or anybody could have them made anew again and again.
                throw Invalid("challenge", "it was not made for the keys of this node");
            }
            catch (Exception e) when (IsFault(e))
            {
                tpm.Forget();
                log.Warn($"tpm attestation failed: {e.Message}");
                throw Unavailable(AttestationReasons.TpmFailed, e.Message);
            }
            finally
            {
                _one.Release();
            }
        }
        finally
        {
            Leave(context.Sender);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private Func<AttestationTpm, NodeAttestation> Quote(RequestContext context, QuoteRequest request)
    {
        if (!CanonicalBase64.TryDecode(request.Nonce, AttestationBinding.NonceBytes, out byte[] nonce))
            throw Invalid("quote.nonce", $"base64 of {AttestationBinding.NonceBytes} bytes");
        int[] pcrs = [.. request.Pcrs];
        if (pcrs.Length == 0 || pcrs[^1] >= TpmPcrSelection.MaxPcrs || pcrs[0] < 0 || pcrs.Zip(pcrs.Skip(1)).Any(p => p.First >= p.Second))
            throw Invalid("quote.pcrs", "numbers from 0 to 23, each once, rising");
        return device =>
        {
            byte[] boot = facts.Boot.ReadLog() ?? throw Unavailable(AttestationReasons.NoEventLog,
                $"the firmware left no event log, or one of more than {MeasuredBootLog.MaxBytes >> 10} KiB: this boot was not measured");
            string sealingKey = facts.SealingKey();
            bool identitySealed = facts.IdentitySealed();
            byte[] farm = Bounded(facts.Settings()) ?? [],
                beside = new FileInfo(facts.SettingsBeside).Exists ? Bounded(File.ReadAllBytes(facts.SettingsBeside)) ?? [] : [];
            AttestationKeys keys = device.Keys();
            byte[] binding = AttestationBinding.Compute(nonce, facts.Node, Convert.FromBase64String(context.Epoch!), Convert.FromBase64String(sealingKey),
                identitySealed, farm);
            (TpmStatement statement, IReadOnlyList<byte[]> values) = device.Quote(binding, pcrs);
            return new NodeAttestation
            {
                Quote = new NodeQuote
                {
                    Statement = Convert.ToBase64String(statement.Attestation.Span),
                    Signature = Convert.ToBase64String(statement.Signature.ToBytes()),
                    AttestationKey = Convert.ToBase64String(keys.Attestation.Public.ToBytes()),
                    EndorsementKey = Convert.ToBase64String(keys.Endorsement.Public.ToBytes()),
                    EndorsementCertificate = keys.Certificate is { } der ? Convert.ToBase64String(der) : null,
                    Pcrs = [.. values.Select(Convert.ToBase64String)],
                    EventLog = Convert.ToBase64String(boot),
                    FarmSettings = farm.Length > 0 ? Convert.ToBase64String(farm) : null,
                    SettingsBeside = beside.Length > 0 && !beside.AsSpan().SequenceEqual(farm) ? Convert.ToBase64String(beside) : null,
                    SealingKey = sealingKey,
                    IdentitySealed = identitySealed,
                    Version = facts.Release.Version.ToString(3),
                    ImageDigest = facts.Release.Digest,
                },
            };
        };
    }

    private static Func<AttestationTpm, NodeAttestation> Activate(CredentialChallenge challenge)
    {
        if (!CanonicalBase64.TryDecode(challenge.Credential, out byte[] credential) || credential.Length is 0 or > MaxCredentialBytes)
            throw Invalid("challenge.credential", $"base64 of at most {MaxCredentialBytes} bytes");
        if (!CanonicalBase64.TryDecode(challenge.EncryptedSeed, out byte[] seed) || seed.Length is 0 or > MaxSeedBytes)
            throw Invalid("challenge.encryptedSeed", $"base64 of at most {MaxSeedBytes} bytes");
        return device => new NodeAttestation { Secret = Convert.ToBase64String(device.Activate(new TpmCredential(credential, seed))) };
    }

    // Larger ones than anybody has would not fit into an answer: they are left out, and the proof fails for want of them.
    private static byte[]? Bounded(byte[]? document) => document is { Length: <= MaxFarmBytes } ? document : null;

    private void Enter(KeyId sender)
    {
        lock (_asking)
        {
            if (_asking.Count >= MaxWaiting || !_asking.Add(sender))
                throw new BusErrorException(ErrorCodes.Busy, "the TPM answers one question at a time, and others wait", retryable: true);
        }
    }

    private void Leave(KeyId sender)
    {
        lock (_asking)
            _asking.Remove(sender);
    }

    private static bool IsFault(Exception e) => e is TpmException or LinuxException or IOException;

    private static BusErrorException Invalid(string path, string message) => new(ErrorCodes.Invalid, message, path);

    private static BusErrorException Unavailable(string reason, string message) =>
        new(new BusError { Code = ErrorCodes.Unavailable, Message = message, Reason = reason });
}
