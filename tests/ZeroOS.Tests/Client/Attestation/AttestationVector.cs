using System.Text.Json;

using ZeroOS.Client.Attestation;
using ZeroOS.Contracts.Release;
using ZeroOS.Tests.Repository;

namespace ZeroOS.Tests.Client.Attestation;

/// <summary>
/// Evidence as <c>zos node attest --save</c> wrote it once, with the measurements of what was booted: a verdict can be made from it again without a TPM.
/// "swtpm" comes from AttestorTests with ZEROOS_RECORD=1; "ovmf" and "ovmf-secure" are evidence.json in out/system-tests/attest and attest-secure and the
/// measurements of their images, after the system tests.
/// </summary>
internal sealed record AttestationVector(Evidence Evidence, Measurements Measurements)
{
    public Expectation Expected => new() { Measurements = Measurements };

    public static AttestationVector Load(string name)
    {
        SavedEvidence saved = JsonSerializer.Deserialize(File.ReadAllText(FileOf(name, "evidence")), EvidenceJson.Default.SavedEvidence)!;
        Assert.True(saved.TryRead(out Evidence? evidence));
        return new AttestationVector(evidence, JsonSerializer.Deserialize(File.ReadAllText(FileOf(name, "measurements")), ReleaseJson.Default.Measurements)!);
    }

    /// <summary>Writes evidence down; only a person who has looked at it commits the files.</summary>
    public static void Save(string name, Evidence evidence, Measurements measurements)
    {
        File.WriteAllText(FileOf(name, "evidence"), JsonSerializer.Serialize(SavedEvidence.Of(evidence), EvidenceJson.Default.SavedEvidence));
        File.WriteAllText(FileOf(name, "measurements"), JsonSerializer.Serialize(measurements, ReleaseJson.Default.Measurements));
    }

    private static string FileOf(string name, string what) =>
        Path.Combine(Checkout.Root, "tests", "ZeroOS.Tests", "Client", "Attestation", "Vectors", $"{name}.{what}.json");
}
