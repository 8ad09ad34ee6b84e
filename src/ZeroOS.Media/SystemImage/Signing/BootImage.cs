using System.Security.Cryptography;
using System.Text.Json;

using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Pe;

namespace ZeroOS.Media.SystemImage.Signing;

/// <summary>A finished EFI file and what a TPM will say of it.</summary>
/// <param name="Efi">The file, signed when there was a key.</param>
/// <param name="Measurements">Its measurements.</param>
internal sealed record BootImage(byte[] Efi, Measurements Measurements)
{
    // The file is read by people too.
    private static readonly ReleaseJson s_indented = new(new JsonSerializerOptions(ReleaseJson.Default.Options) { WriteIndented = true });

    /// <summary>
    /// Puts stub and sections together, signs PCR 11 and the file with the keys there are, and measures the outcome. The same input is the same bytes.
    /// </summary>
    /// <param name="stub">systemd's EFI stub.</param>
    /// <param name="sections">What the stub shall find, the kernel among it; the policy sections come from <paramref name="keys"/>.</param>
    /// <param name="keys">Keys, or none.</param>
    /// <param name="version">The image's version, three numbers.</param>
    /// <param name="imageDigest">Hash of kernel and initramfs, as /release in the image says it.</param>
    public static BootImage Make(ReadOnlySpan<byte> stub, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> sections, SigningKeys keys, string version,
        string imageDigest) =>
        Measure(keys.Sign(UnifiedKernelImage.Assemble(stub, [.. keys.PolicySections(sections), .. sections])), version, imageDigest);

    /// <summary>Measures a finished file.</summary>
    /// <exception cref="InvalidDataException">Not an image that the stub could start.</exception>
    public static BootImage Measure(byte[] efi, string version, string imageDigest) => new(efi, new Measurements
    {
        Version = version,
        ImageDigest = imageDigest,
        Efi = new EfiMeasurement { Sha256 = Convert.ToHexStringLower(SHA256.HashData(efi)), Authenticode = Convert.ToHexStringLower(Authenticode.Digest(efi)) },
        Linux = new LinuxMeasurement { Authenticode = Convert.ToHexStringLower(Authenticode.Digest(UnifiedKernelImage.Section(efi, ".linux").Span)) },
        Pcr11 = Convert.ToHexStringLower(KernelImagePcr.Predict(efi)),
        PcrSigningKey = PcrKey(UnifiedKernelImage.Section(efi, ".pcrpkey").Span),
    });

    /// <summary>The bytes of measurements.json.</summary>
    public byte[] MeasurementsJson() => [.. JsonSerializer.SerializeToUtf8Bytes(Measurements, s_indented.Measurements), (byte)'\n'];

    private static string? PcrKey(ReadOnlySpan<byte> pem)
    {
        if (pem.IsEmpty)
            return null;
        using RSA key = RSA.Create();
        try
        {
            key.ImportFromPem(System.Text.Encoding.ASCII.GetString(pem));
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new InvalidDataException($"the PCR key in this image is not an RSA key in PEM: {e.Message}", e);
        }
        return PcrSignature.FingerprintOf(key);
    }
}
