using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Tpm;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Formats.Tpm;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Identity;

/// <summary>
/// A computer as its identity sees it: disks as folders, a real swtpm, an image that was measured, a farm. Tests exchange one of them and start again.
/// </summary>
internal sealed class IdentityBench : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("zeroos-identity-").FullName;
    private readonly List<IDisposable> _owned = [];

    public IdentityBench() => Farm = TestFarm.Of(Owner, RecoverySeed);

    public IdentityKey Owner { get; } = IdentityKey.Generate();

    public byte[] RecoverySeed { get; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>The image's maker.</summary>
    public RSA Maker { get; set; } = RSA.Create(2048);

    /// <summary>Signs beside the maker: the image that leads from one key to another.</summary>
    public RSA? MakerBefore { get; set; }

    public FarmSettings? Farm { get; set; }

    public SoftwareTpm? Tpm { get; set; }

    public List<string> Disks { get; } = ["a"];

    public List<string> Log { get; } = [];

    /// <summary>What the maker signed; null: an image without a signed policy.</summary>
    public string? SignedImage { get; set; } = "image 1";

    public string RecordPath(string disk = "a") => $"{_base}/{disk}/state/identity";

    public IdentityRecord Record(string disk = "a") =>
        IdentityRecord.TryRead(File.ReadAllBytes(RecordPath(disk)), out IdentityRecord? record) ? record : throw new InvalidDataException("no record");

    /// <summary>Another mainboard.</summary>
    public SoftwareTpm NewTpm()
    {
        Tpm = SoftwareTpm.Start();
        _owned.Add(Tpm);
        return Tpm;
    }

    /// <summary>Power on, with that image measured; null: not through the stub.</summary>
    public bool OnTrial { get; set; }

    public NodeIdentity Boot(string? image, bool fresh = false) => Keeper(image, fresh).Open();

    public IdentityKeeper Keeper(string? image, bool fresh = false)
    {
        Tpm?.PowerCycle();
        if (image is not null)
            Tpm?.Open().ExtendPcr(11, TpmAlgorithm.Sha256, SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(image)));
        return Restarted(fresh);
    }

    /// <summary>Settings as their signed document.</summary>
    public static VerifiedFarm Sign(FarmSettings settings, params ReadOnlySpan<IdentityKey> keys) =>
        FarmDocument.TryVerifyWithSigners(FarmDocument.Sign(settings, keys), out VerifiedFarm? farm, out string? fault)
        ? farm
        : throw new InvalidDataException(fault);

    /// <summary>Power on with settings beside the image: decides about them, opens the identity, and pins.</summary>
    public (FarmDecision Farm, NodeIdentity Identity) Start(string? image, VerifiedFarm? found, bool fresh = false, int versionSeen = 0)
    {
        FarmPin pin = new(Pool(fresh), OnTrial);
        FarmDecision decision = pin.Decide(found, found is null ? ("no-settings", "none") : null, versionSeen);
        (Farm, OtherFarm) = (decision.InForce?.Settings, decision.Locked ? decision.Trouble!.Value.Message : null);
        NodeIdentity identity = Boot(image, fresh);
        if (identity.Locked is null)
            LastChanged = pin.Keep(Ledger(identity), decision);
        return (decision, identity);
    }

    /// <summary>Whether a start with these settings beside the image takes empty disks.</summary>
    public bool MayClaim(VerifiedFarm? found, bool fresh = false) => new FarmPin(Pool(fresh), OnTrial).MayClaim(found);

    /// <summary>Whether the last <see cref="Start"/> brought other settings into force.</summary>
    public bool LastChanged { get; private set; }

    public LedgerStore Ledger(NodeIdentity identity) => new(Pool(fresh: false), identity.Key, identity.Counter, (_, _) => false);

    public string LedgerPath(string disk = "a") => $"{_base}/{disk}/state/ledger";

    private string? OtherFarm { get; set; }

    private StorageDisk[] Pool(bool fresh) => [.. Disks.Select(d => Disk(d, fresh))];

    /// <summary>The node's process starts again on the same boot.</summary>
    public IdentityKeeper Restarted(bool fresh = false)
    {
        SealingMeans means = new(
            () => Tpm is null ? throw new SealException("no-tpm", "there is no TPM") : new IdentityTpm(Tpm.Open()),
            () => SignedPolicy.Read(WriteKey(), WriteSignatures()));
        return new IdentityKeeper(Pool(fresh), persistent: true, Farm, means, new LineLog(Log.Add), OnTrial)
        {
            Ledger = new CountedLedger(Pool(fresh)),
            OtherFarm = OtherFarm,
        };
    }

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        Directory.Delete(_base, recursive: true);
    }

    /// <summary>As the image's builder writes it: the PCR's value after one measurement, the policy over it, the maker's signature.</summary>
    private static string Signatures(string image, params IEnumerable<RSA> makers) => $$"""{"sha256":[{{string.Join(",", makers.Select(maker =>
    {
        byte[] pcr = SHA256.HashData([.. new byte[32], .. SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(image))]);
        byte[] policy = TpmPolicy.Pcr(TpmPolicy.Empty, new TpmPcrSelection(TpmAlgorithm.Sha256, 11), TpmPolicy.PcrDigest(pcr));
        string signature = Convert.ToBase64String(maker.SignData(policy, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        string fingerprint = Convert.ToHexStringLower(SHA256.HashData(maker.ExportRSAPublicKey()));
        return $$"""{"pcrs":[11],"pkfp":"{{fingerprint}}","pol":"{{Convert.ToHexStringLower(policy)}}","sig":"{{signature}}"}""";
    }))}}]}""";

    private StorageDisk Disk(string name, bool fresh)
    {
        Directory.CreateDirectory($"{_base}/{name}");
        StorageDisk disk = new($"{_base}/{name}");
        if (!fresh)
            StateGeneration.Write(disk.StateDirectory, 1);
        return disk;
    }

    private string WriteKey()
    {
        string path = Path.Combine(_base, "key.pem");
        File.WriteAllText(path, Maker.ExportSubjectPublicKeyInfoPem());
        return path;
    }

    private string WriteSignatures()
    {
        string path = Path.Combine(_base, "signatures.json");
        File.Delete(path);
        if (SignedImage is not null)
            File.WriteAllText(path, Signatures(SignedImage, MakerBefore is null ? [Maker] : [Maker, MakerBefore]));
        return path;
    }
}
