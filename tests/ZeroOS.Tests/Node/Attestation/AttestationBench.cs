using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Gates;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Serving;
using ZeroOS.Client.Attestation;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Tpm;
using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Node.Attestation;
using ZeroOS.Tests.Formats.Tpm;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Attestation;

/// <summary>
/// The node's side of an attestation with a real swtpm, whose PCRs are extended as firmware and stub would; the image is a few made-up hashes.
/// </summary>
internal sealed class AttestationBench : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zeroos-attest-").FullName;
    private readonly IdentityKey _identity;

    private readonly bool _identitySealed;

    public AttestationBench(SoftwareTpm tpm, bool identitySealed = true, IdentityKey? identity = null)
    {
        (Tpm, Farm, _identitySealed, _identity) = (tpm, NewFarm("first"), identitySealed, identity ?? IdentityKey.Generate());
        File.WriteAllBytes(FarmFile, Farm);
        Boot(Log());
    }

    public static Measurements Image { get; } = ImageOf("zeroos");

    public SoftwareTpm Tpm { get; }

    /// <summary>That of the present start.</summary>
    public Attestor Attestor { get; private set; } = null!;

    public byte[] Farm { get; }

    /// <summary>Settings in force instead of those beside the image.</summary>
    public byte[]? InForce { get; set; }

    public KeyId Node => _identity.Id;

    public string Epoch { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(AttestationBinding.EpochBytes));

    public string SealingKey { get; set; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    public Expectation Expected => new() { Measurements = Image };

    private string FarmFile => Path.Combine(_folder, "farm.cred");

    private string LogFile => Path.Combine(_folder, "log");

    public static Measurements ImageOf(string name) => new()
    {
        Version = "1.2.3",
        ImageDigest = $"sha256:{Hash(name)}",
        Efi = new EfiMeasurement { Sha256 = Hash(name + ".file"), Authenticode = Hash(name + ".efi") },
        Linux = new LinuxMeasurement { Authenticode = Hash(name + ".linux") },
        Pcr11 = Convert.ToHexStringLower(MeasuredBootLog.Extend(PcrBank.Sha256, new byte[32], SHA256.HashData(Bytes(name + ".sections")))),
        PcrSigningKey = null,
    };

    public static byte[] NewFarm(string name)
    {
        using IdentityKey owner = IdentityKey.Generate();
        using IdentityKey recovery = IdentityKey.Generate();
        return FarmDocument.Sign(new FarmSettings
        {
            FarmId = Guid.NewGuid().ToString(),
            Version = 1,
            Name = name,
            Owners = [owner.Id.Text],
            Threshold = 1,
            RecoverySigningKey = recovery.Id.Text,
            RecoveryEncryptionKey = Convert.ToBase64String(new byte[32]),
            Registries = new Dictionary<string, FarmRegistry>(),
        }, owner);
    }

    private AttestorFacts Facts() => new()
    {
        Node = Node,
        IdentitySealed = () => _identitySealed,
        SealingKey = () => SealingKey,
        Release = new ImageRelease(Image.ImageDigest, DateTimeOffset.UnixEpoch, new Version(1, 2, 3)),
        Boot = new MeasuredBoot(LogFile, Path.Combine(_folder, "none")),
        Settings = () => InForce ?? Farm,
        SettingsBeside = FarmFile,
    };

    /// <summary>A good start's log, with what is wrong put in at a place.</summary>
    public byte[] Log(string image = "zeroos", byte[]? settings = null, Action<EventLogBuilder>? before = null, Action<EventLogBuilder>? after = null,
        Action<EventLogBuilder>? driver = null)
    {
        EventLogBuilder log = new EventLogBuilder()
            .Add(0, EventType.CrtmVersion, "firmware 1"u8)
            .Variable(FirmwareVariable.Global, "SecureBoot", [1])
            .Variable(FirmwareVariable.ImageSecurity, "db", default);
        driver?.Invoke(log);
        log.Separators().Add(4, EventType.EfiAction, "Calling EFI Application from Boot Option"u8);
        before?.Invoke(log);
        log.Application(SHA256.HashData(Bytes(image + ".efi")), "\\EFI\\BOOT\\BOOTX64.EFI").Stub(11, Bytes(image + ".sections"), ".linux")
            .Stub(12, settings ?? StubArchive.Credentials(("farm.cred", Farm)), "Credentials initrd")
            .Application(SHA256.HashData(Bytes(image + ".linux")), "linux");
        after?.Invoke(log);
        return log.Add(5, EventType.EfiAction, "Exit Boot Services Invocation"u8).ToBytes();
    }

    /// <summary>The machine starts anew and measures what the log says; what the node then shows may be another log.</summary>
    public void Boot(byte[] log, byte[]? shown = null)
    {
        Tpm.PowerCycle();
        TpmClient tpm = Tpm.Open();
        foreach (MeasuredEvent e in MeasuredBootLog.Read(log).Events)
        {
            if (e.IsExtended)
                tpm.ExtendPcr(e.Pcr, TpmAlgorithm.Sha256, e.Sha256);
        }
        File.WriteAllBytes(LogFile, shown ?? log);
        Attestor?.Dispose();
        Attestor = new Attestor(new AttestationTpm(Tpm.Exchange), Facts(), LineLog.Quiet);
    }

    public Task<NodeAttestation> AnswerAsync(NodeAttest body, KeyId? sender = null) => Attestor.AnswerAsync(
        new RequestContext { Sender = sender ?? Node, Roles = Roles.Owner, MessageId = Guid.NewGuid(), RememberUntil = default, Epoch = Epoch },
        body, CancellationToken.None);

    public async Task<NodeQuote> QuoteAsync(byte[] nonce) =>
        (await AnswerAsync(new NodeAttest { Quote = new QuoteRequest { Nonce = Convert.ToBase64String(nonce), Pcrs = Evidence.Pcrs } })).Quote!;

    /// <summary>Both steps, as zos takes them.</summary>
    public async Task<Evidence> AskAsync()
    {
        byte[] nonce = RandomNumberGenerator.GetBytes(32), secret = RandomNumberGenerator.GetBytes(32);
        NodeQuote quote = await QuoteAsync(nonce);
        TpmCredential challenge = AttestedTpm.Read(quote).Challenge(secret);
        NodeAttestation told = await AnswerAsync(new NodeAttest
        {
            Challenge = new CredentialChallenge
            {
                Credential = Convert.ToBase64String(challenge.Object.Span),
                EncryptedSeed = Convert.ToBase64String(challenge.EncryptedSeed.Span),
            },
        });
        return new Evidence
        {
            Node = Node,
            Nonce = nonce,
            Epoch = Convert.FromBase64String(Epoch),
            SealingKey = Convert.FromBase64String(SealingKey),
            Quote = quote,
            Secret = secret,
            ToldSecret = Convert.FromBase64String(told.Secret!),
        };
    }

    public void Dispose()
    {
        Attestor.Dispose();
        Tpm.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Bytes(text)));
}
