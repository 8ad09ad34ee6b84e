using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Release;
using ZeroOS.Contracts.Farm;
using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Tpm;
using ZeroOS.Formats.Tpm.EventLog;
using ZeroOS.Host.Storage;
using ZeroOS.Node.Farm;
using ZeroOS.Node.Identity;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Bus.Release;
using ZeroOS.Tests.Formats.Tpm;

namespace ZeroOS.Tests.Fuzz;

/// <summary>Documents and records that decide whom a node believes.</summary>
internal static class TrustEntries
{
    private static readonly IdentityKey s_owner = IdentityKey.FromSeed([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
    private static readonly Lazy<TpmRecord> s_tpm = new(() => TpmRecord.Load(TpmClientTests.VectorPath));

    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("farm settings", () => [Farm()], ReadFarm) { TakesOnlySamples = true },
        new DecoderEntry("release", () => [ReleaseDocument.Sign(ReleaseDocumentTests.Manifest(), s_owner)], ReadRelease) { TakesOnlySamples = true },
        new DecoderEntry("release keys", () => [Encoding.ASCII.GetBytes($"threshold 1 # of one\n{s_owner.Id.Text}\n")],
            b => ReleaseKeys.TryParse(Encoding.UTF8.GetString(b), out _, out _)),
        new DecoderEntry("update record", () => [Update()],
            b => FuzzEntries.Reads<JsonException>(() => JsonSerializer.Deserialize(b, UpdateJson.Default.UpdateRecord))),
        new DecoderEntry("key file", () => [KeyFile.Encode(s_owner, null)], ReadKeyFile),
        new DecoderEntry("identity record", () => [IdentityRecord.Open(1, new byte[32]).ToBytes(), Sealed()],
            b => IdentityRecord.TryRead(b, out _)) { Repair = RepairIdentity },
        new DecoderEntry("ledger", () => [new Ledger { Generation = 1, Node = s_owner.Id.Text, Farm = Farm(), HighestRelease = "1.2.3" }.ToBytes(s_owner)],
            b => Ledger.TryRead(b, s_owner.Id, out _)) { Repair = RepairLedger },
        new DecoderEntry("tpm answer", Answers, ReadAnswer) { Repair = RepairAnswer },
        new DecoderEntry("measured boot log", () => [MeasuredBootLogTests.Sample()], ReadLog),
    ];

    private static FarmSettings Settings() => TestFarm.Of(s_owner, new byte[32]) with
    {
        FarmId = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
        Name = "test farm",
        Registries = new Dictionary<string, FarmRegistry> { ["demo"] = new FarmRegistry { Url = "http://10.0.2.2:5000", PlainHttp = true } },
    };

    private static byte[] Farm() => FarmDocument.Sign(Settings(), s_owner);

    private static bool ReadFarm(byte[] bytes)
    {
        if (!FarmDocument.TryVerify(bytes, out FarmSettings? settings, out string? fault))
        {
            Assert.NotEmpty(fault);
            return false;
        }
        Assert.Equal([s_owner.Id.Text, "test farm"], [.. settings.Owners, settings.Name]);
        return true;
    }

    private static bool ReadRelease(byte[] bytes)
    {
        Assert.True(ReleaseKeys.TryParse($"threshold 1\n{s_owner.Id.Text}", out ReleaseKeys? keys, out _));
        if (!ReleaseDocument.TryVerify(bytes, keys, out ReleaseManifest? manifest, out _))
            return false;
        Assert.Equal(ReleaseDocumentTests.Manifest(), manifest);
        return true;
    }

    private static byte[] Update() => JsonSerializer.SerializeToUtf8Bytes(
        new UpdateRecord { State = UpdateState.Trial, Version = "1.2.3", EfiDigest = "sha256:b", From = "1.2.2", ImageDigest = "sha256:a" },
        UpdateJson.Default.UpdateRecord);

    private static bool ReadKeyFile(byte[] bytes) => FuzzEntries.Reads<InvalidDataException>(() =>
    {
        using IdentityKey key = KeyFile.Decode(bytes, "key", () => "no");
        Assert.Equal(s_owner.Id, key.Id);
    });

    private static byte[] Sealed() => new IdentityRecord(2, s_owner.Id, null, new SealedIdentity
    {
        Node = s_owner.Id,
        Terms = PinnedTerms.Of(Settings()),
        Box = new byte[80],
        RootName = new byte[34],
        PolicyKey = new byte[90],
        Blob = new TpmBlob(new byte[100], new byte[60]),
    }).ToBytes();

    private static void RepairIdentity(byte[] bytes)
    {
        if (bytes.Length >= 24)
            BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), Checksum.Crc32C(bytes.AsSpan(0, bytes.Length - 4)));
    }

    private static void RepairLedger(byte[] bytes)
    {
        if (bytes.Length >= 64)
            s_owner.Sign(bytes.AsSpan(0, bytes.Length - 64)).CopyTo(bytes, bytes.Length - 64);
    }

    // The first byte says to which command the rest is the answer.
    private static byte[][] Answers() => [.. s_tpm.Value.Exchanges.Select((e, i) => (byte[])[(byte)i, .. e.Answer]).Where(ReadAnswer)];

    private static bool ReadAnswer(byte[] bytes)
    {
        if (bytes.Length == 0 || bytes[0] >= s_tpm.Value.Exchanges.Count)
            return false;
        TpmRecord record = s_tpm.Value.Rewound();
        return FuzzEntries.Reads<TpmException>(() => TpmClientTests.RunOne(bytes[0], _ => record.ReplayWith(0, bytes[1..]), record.Draw));
    }

    private static void RepairAnswer(byte[] bytes)
    {
        if (bytes.Length >= 7)
            (bytes[3], bytes[4], bytes[5], bytes[6]) = (0, 0, (byte)((bytes.Length - 1) >> 8), (byte)(bytes.Length - 1));
    }

    private static bool ReadLog(byte[] bytes) => FuzzEntries.Reads<EventLogException>(() => MeasuredBootLogTests.ReadWhole(MeasuredBootLog.Read(bytes)));
}
