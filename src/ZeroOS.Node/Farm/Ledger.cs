using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

using ZeroOS.Bus.Keys;

namespace ZeroOS.Node.Farm;

/// <summary>
/// What must never go back: it lies beside the database, which a version on trial may have to give back as it was. On a disk: magic with the version in its
/// last byte, u64 generation, JSON, the node's Ed25519 signature of all before. Nobody but the node writes one; that it is the newest one only
/// <see cref="Counter"/> says.
/// </summary>
internal sealed record Ledger
{
    internal const int MaxBytes = 1 << 20;

    private const int HeadBytes = 8 + 8, SignatureBytes = 64;

    /// <summary>The highest is the newest word.</summary>
    [JsonIgnore]
    public ulong Generation { get; init; }

    /// <summary>Key id of the node whose ledger it is: another one's counts for nothing here.</summary>
    public required string Node { get; init; }

    /// <summary>
    /// What the TPM's counter says once this ledger is on every disk; one that is lower than the counter is an older ledger. Null: nothing counts.
    /// </summary>
    public ulong? Counter { get; init; }

    /// <summary>The farm settings in force, as a signed document; null before the first.</summary>
    public byte[]? Farm { get; init; }

    /// <summary>Their successor that waits (<see cref="FarmPin.Wait"/>), as a signed document.</summary>
    public byte[]? Waiting { get; init; }

    /// <summary>Seconds for which the node was on since <see cref="Waiting"/> was first seen.</summary>
    public long WaitedSeconds { get; init; }

    /// <summary>The highest version that an update kept, "1.2.3".</summary>
    public string? HighestRelease { get; init; }

    /// <summary>Documents of the farm's threshold that were carried out, by id, and when they would have ended; null for none.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset>? Spent { get; init; }

    private static ReadOnlySpan<byte> Magic => "ZEROOSL\x01"u8;

    /// <summary>Reads one that <paramref name="node"/> wrote; never throws.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, KeyId node, [NotNullWhen(true)] out Ledger? ledger)
    {
        ledger = null;
        if (bytes.Length is < HeadBytes + SignatureBytes or > MaxBytes || !bytes.StartsWith(Magic)
            || !node.Verifies(bytes[..^SignatureBytes], bytes[^SignatureBytes..]))
            return false;
        try
        {
            ledger = JsonSerializer.Deserialize(bytes[HeadBytes..^SignatureBytes], LedgerJson.Default.Ledger);
        }
        catch (JsonException)
        {
            return false;
        }
        ledger = ledger is null || ledger.Node != node.Text ? null : ledger with { Generation = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) };
        return ledger is not null;
    }

    /// <summary>As it lies on a disk; <paramref name="node"/> is the key of <see cref="Node"/>.</summary>
    internal byte[] ToBytes(IdentityKey node)
    {
        byte[] bytes = [.. Magic, .. new byte[8], .. JsonSerializer.SerializeToUtf8Bytes(this, LedgerJson.Default.Ledger)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Generation);
        return [.. bytes, .. node.Sign(bytes)];
    }
}

/// <summary>JSON of the ledger.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Ledger))]
internal sealed partial class LedgerJson : JsonSerializerContext;
