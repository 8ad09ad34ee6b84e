using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Node.Identity;

/// <summary>
/// Whose node this is: what of the farm settings decides about their successors, and who may give a locked node its identity back. On a disk: farm id 16,
/// threshold, number of owners, each owner's key 32, recovery signing key 32, recovery encryption key 32, u32 recovery generation, u32 version. An earlier
/// ZeroOS wrote no generation and no version.
/// </summary>
internal sealed record PinnedTerms
{
    private const int FarmIdBytes = 16, KeyBytes = Crypto.KeyBytes, OrderBytes = 8;

    /// <summary>The farm.</summary>
    public required Guid FarmId { get; init; }

    /// <summary>How many of the owners must have signed a successor.</summary>
    public required int Threshold { get; init; }

    /// <summary>The owners.</summary>
    public required IReadOnlyList<KeyId> Owners { get; init; }

    /// <summary>Signs zos.node.recover, and successors whatever the owners say.</summary>
    public required KeyId SigningKey { get; init; }

    /// <summary>Opens the box; X25519, 32 bytes.</summary>
    public required byte[] EncryptionKey { get; init; }

    /// <summary>Goes before <see cref="Version"/>.</summary>
    public required int RecoveryGeneration { get; init; }

    /// <summary>Of the settings; 0: an earlier ZeroOS did not note it.</summary>
    public required int Version { get; init; }

    /// <summary>Those of verified settings.</summary>
    public static PinnedTerms Of(FarmSettings settings) => new()
    {
        FarmId = Guid.ParseExact(settings.FarmId, "D"),
        Threshold = settings.Threshold,
        Owners = [.. settings.Owners.Select(Key)],
        SigningKey = Key(settings.RecoverySigningKey),
        EncryptionKey = Convert.FromBase64String(settings.RecoveryEncryptionKey),
        RecoveryGeneration = settings.RecoveryGeneration,
        Version = settings.Version,
    };

    /// <summary>Whether settings have just these terms; those of an earlier ZeroOS have no version to compare.</summary>
    public bool AreOf(VerifiedFarm farm)
    {
        PinnedTerms other = Of(farm.Settings);
        return ToBytes().AsSpan().SequenceEqual((Version == 0 ? other with { RecoveryGeneration = 0, Version = 0 } : other).ToBytes());
    }

    /// <summary>
    /// Why verified settings are no successor of the ones with these terms, or null: the same farm, later, and signed by the recovery key or by enough of the
    /// owners. Only the recovery key raises the generation or names another recovery key: whoever steals an owner's key must not be able to lock it out.
    /// </summary>
    public (string Reason, string Message)? Refusal(VerifiedFarm next)
    {
        PinnedTerms after = Of(next.Settings);
        if (after.FarmId != FarmId)
            return ("settings-foreign", $"they are of farm {after.FarmId}, and this node is of farm {FarmId}; a node that changes hands is erased first");
        if ((after.RecoveryGeneration, after.Version).CompareTo((RecoveryGeneration, Version)) < (Version == 0 ? 0 : 1))
            return ("settings-older", $"version {after.Version} does not follow version {Version}");
        if (IsByRecoveryKey(next))
            return null;
        if (after.RecoveryGeneration != RecoveryGeneration || !after.SigningKey.Equals(SigningKey)
            || !after.EncryptionKey.AsSpan().SequenceEqual(EncryptionKey))
            return ("settings-not-signed", "they change what only the farm's recovery key may change, and it has not signed them");
        int signed = Owners.Count(o => next.Signers.Contains(o.Text));
        return signed >= Threshold ? null
            : ("settings-not-signed", $"{signed} of the owners of before have signed them, and {Threshold} must (zos farm sign --former)");
    }

    /// <summary>
    /// Whether a successor takes something away that a thief of owners' keys would want away: it waits, so that the recovery key can prevent it.
    /// </summary>
    public bool IsWeakenedBy(VerifiedFarm next) =>
        !IsByRecoveryKey(next) && (next.Settings.Threshold < Threshold || Owners.Any(o => !next.Settings.Owners.Contains(o.Text)));

    /// <summary>What the TPM keeps beside the seed.</summary>
    public byte[] Hash() => SHA256.HashData(ToBytes());

    internal static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out PinnedTerms? terms)
    {
        terms = null;
        if (bytes.Length < FarmIdBytes + 2)
            return false;
        int threshold = bytes[FarmIdBytes], count = bytes[FarmIdBytes + 1], keysEnd = FarmIdBytes + 2 + ((count + 2) * KeyBytes);
        if (count is 0 or > FarmDocument.MaxOwners || threshold < 1 || threshold > count || (bytes.Length != keysEnd && bytes.Length != keysEnd + OrderBytes))
            return false;
        List<KeyId> keys = [];
        for (int i = 0; i <= count; i++)
        {
            if (!TryReadKey(bytes.Slice(FarmIdBytes + 2 + (i * KeyBytes), KeyBytes), out KeyId? key))
                return false;
            keys.Add(key);
        }
        int generation = bytes.Length == keysEnd ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes[keysEnd..]);
        int version = bytes.Length == keysEnd ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes[(keysEnd + 4)..]);
        if (generation < 0 || version < (bytes.Length == keysEnd ? 0 : 1))
            return false;
        terms = new PinnedTerms
        {
            FarmId = new Guid(bytes[..FarmIdBytes], bigEndian: true),
            Threshold = threshold,
            Owners = keys[..count],
            SigningKey = keys[count],
            EncryptionKey = bytes[(keysEnd - KeyBytes)..keysEnd].ToArray(),
            RecoveryGeneration = generation,
            Version = version,
        };
        return true;
    }

    internal byte[] ToBytes()
    {
        byte[] order = new byte[Version == 0 ? 0 : OrderBytes];
        if (Version != 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(order, RecoveryGeneration);
            BinaryPrimitives.WriteInt32LittleEndian(order.AsSpan(4), Version);
        }
        return [.. FarmId.ToByteArray(bigEndian: true), (byte)Threshold, (byte)Owners.Count, .. Owners.SelectMany(o => o.Bytes.ToArray()), .. SigningKey.Bytes,
            .. EncryptionKey, .. order];
    }

    internal static bool TryReadKey(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out KeyId? key)
    {
        key = Crypto.IsSoundPublicKey(bytes) ? KeyId.FromPublicKey(bytes) : null;
        return key is not null;
    }

    private bool IsByRecoveryKey(VerifiedFarm next) => next.Signers.Contains(SigningKey.Text);

    private static KeyId Key(string text) => KeyId.TryParse(text, out KeyId? id) ? id : throw new ArgumentException($"\"{text}\" is not a key id");
}
