using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Node.Identity;

/// <summary>
/// Who may give a locked node its identity back, as the farm settings said when it was sealed, and whose word changes that. On a disk: farm id 16, threshold, number of owners, each
/// owner's key 32, recovery signing key 32, recovery encryption key 32.
/// </summary>
internal sealed record RecoveryTerms
{
    private const int FarmIdBytes = 16, KeyBytes = Crypto.KeyBytes;

    /// <summary>The farm.</summary>
    public required Guid FarmId { get; init; }

    /// <summary>How many of the owners must have signed settings that name another recovery key.</summary>
    public required int Threshold { get; init; }

    /// <summary>The owners.</summary>
    public required IReadOnlyList<KeyId> Owners { get; init; }

    /// <summary>Signs zos.node.recover.</summary>
    public required KeyId SigningKey { get; init; }

    /// <summary>Opens the box; X25519, 32 bytes.</summary>
    public required byte[] EncryptionKey { get; init; }

    /// <summary>Those of verified settings.</summary>
    public static RecoveryTerms Of(FarmSettings settings) => new()
    {
        FarmId = Guid.ParseExact(settings.FarmId, "D"),
        Threshold = settings.Threshold,
        Owners = [.. settings.Owners.Select(Key)],
        SigningKey = Key(settings.RecoverySigningKey),
        EncryptionKey = Convert.FromBase64String(settings.RecoveryEncryptionKey),
    };

    /// <summary>
    /// Whether verified settings, which every owner they list has signed, come from those who decided about these terms: the same farm, and enough of the owners of then.
    /// Whoever holds the boot medium may put another farm's settings there, and must not get at the seed by it.
    /// </summary>
    public bool MayBeReplacedBy(RecoveryTerms other) => FarmId == other.FarmId && Owners.Count(other.Owners.Contains) >= Threshold;

    /// <summary>What the TPM keeps beside the seed.</summary>
    public byte[] Hash() => SHA256.HashData(ToBytes());

    internal static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out RecoveryTerms? terms)
    {
        terms = null;
        if (bytes.Length < FarmIdBytes + 2)
            return false;
        int threshold = bytes[FarmIdBytes], count = bytes[FarmIdBytes + 1];
        if (count is 0 or > FarmDocument.MaxOwners || threshold < 1 || threshold > count || bytes.Length != FarmIdBytes + 2 + ((count + 2) * KeyBytes))
            return false;
        List<KeyId> keys = [];
        for (int i = 0; i <= count; i++)
        {
            if (!TryReadKey(bytes.Slice(FarmIdBytes + 2 + (i * KeyBytes), KeyBytes), out KeyId? key))
                return false;
            keys.Add(key);
        }
        terms = new RecoveryTerms
        {
            FarmId = new Guid(bytes[..FarmIdBytes], bigEndian: true),
            Threshold = threshold,
            Owners = keys[..count],
            SigningKey = keys[count],
            EncryptionKey = bytes[^KeyBytes..].ToArray(),
        };
        return true;
    }

    internal byte[] ToBytes() => [.. FarmId.ToByteArray(bigEndian: true), (byte)Threshold, (byte)Owners.Count, .. Owners.SelectMany(o => o.Bytes.ToArray()), .. SigningKey.Bytes, .. EncryptionKey];

    internal static bool TryReadKey(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out KeyId? key)
    {
        key = Crypto.IsSoundPublicKey(bytes) ? KeyId.FromPublicKey(bytes) : null;
        return key is not null;
    }

    private static KeyId Key(string text) => KeyId.TryParse(text, out KeyId? id) ? id : throw new ArgumentException($"\"{text}\" is not a key id");
}
