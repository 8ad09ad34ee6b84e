using System.Security.Cryptography;
using System.Text;

using ZeroOS.Formats.Tpm;

namespace ZeroOS.Formats.Pe;

/// <summary>
/// PCR 11, into which systemd-stub measures what it finds in its own image, and nobody else measures anything before the kernel runs: so its value follows from
/// the file alone (systemd 252, src/boot/efi/stub.c; systemd-measure(1)).
/// </summary>
public static class KernelImagePcr
{
    /// <summary>The register's number.</summary>
    public const int Index = 11;

    private const string PolicySection = ".pcrsig";

    /// <summary>
    /// The value in the sha256 bank, 32 bytes: for every known section that is there and not empty, in the stub's order, the register is extended with the hash
    /// of the name with its NUL and with the hash of the contents. The signed policy is left out, for it says what comes out here.
    /// </summary>
    /// <exception cref="InvalidDataException">Not an image that the stub could start.</exception>
    public static byte[] Predict(ReadOnlyMemory<byte> image) => Predict(UnifiedKernelImage.Payload(image));

    /// <summary>The same for an image that is not put together yet, whose sections have these names and contents.</summary>
    public static byte[] Predict(IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> sections) =>
        Predict(sections.ToDictionary(s => s.Name, s => s.Content));

    private static byte[] Predict(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> payload)
    {
        byte[] value = new byte[SHA256.HashSizeInBytes];
        foreach (string name in UnifiedKernelImage.KnownSections.Where(n => n != PolicySection))
        {
            if (!payload.TryGetValue(name, out ReadOnlyMemory<byte> content) || content.IsEmpty)
                continue;
            value = Extend(value, SHA256.HashData(Encoding.ASCII.GetBytes(name + '\0')));
            value = Extend(value, SHA256.HashData(content.Span));
        }
        return value;
    }

    /// <summary>
    /// The policy digest that TPM2_PolicyPCR makes of a fresh session when this register has this value: what the image's signed policy signs.
    /// </summary>
    public static byte[] PolicyDigest(byte[] value) =>
        TpmPolicy.Pcr(TpmPolicy.Empty, new TpmPcrSelection(TpmAlgorithm.Sha256, Index), TpmPolicy.PcrDigest(value));

    private static byte[] Extend(byte[] value, byte[] digest) => SHA256.HashData([.. value, .. digest]);
}
