using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Tpm;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Formats.Tpm;

namespace ZeroOS.Tests.Node.Identity;

/// <summary>A computer as its identity sees it: disks as folders, a real swtpm, an image that was measured, a farm. Tests exchange one of them and start again.</summary>
internal sealed class IdentityBench : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("zeroos-identity-").FullName;
    private readonly List<IDisposable> _owned = [];

    public IdentityBench() => Farm = FarmOf(Owner, RecoverySeed);

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

    public IdentityRecord Record(string disk = "a") => IdentityRecord.TryRead(File.ReadAllBytes(RecordPath(disk)), out IdentityRecord? record) ? record : throw new InvalidDataException("no record");

    public static FarmSettings FarmOf(IdentityKey owner, byte[] recoverySeed, string? id = null) => new()
    {
        FarmId = id ?? Guid.NewGuid().ToString(),
        Version = 1,
        Name = "test",
        Owners = [owner.Id.Text],
        Threshold = 1,
        RecoverySigningKey = RecoveryKey.SigningKey(recoverySeed).Text,
        RecoveryEncryptionKey = RecoveryKey.EncryptionKey(recoverySeed),
    };

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

    /// <summary>The node's process starts again on the same boot.</summary>
    public IdentityKeeper Restarted(bool fresh = false)
    {
        SealingMeans means = new(
            () => Tpm is null ? throw new SealException("no-tpm", "there is no TPM") : new IdentityTpm(Tpm.Open()),
            () => SignedPolicy.Read(WriteKey(), WriteSignatures()));
        return new IdentityKeeper([.. Disks.Select(d => Disk(d, fresh))], persistent: true, Farm, means, Log.Add, OnTrial);
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
        return new StorageDisk($"{_base}/{name}", fresh);
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
