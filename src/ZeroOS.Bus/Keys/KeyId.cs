using System.Diagnostics.CodeAnalysis;

using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Keys;

/// <summary>
/// Who somebody is: an Ed25519 public key, sound by construction. Its text is base58 and has exactly one form, so equal texts are equal keys.
/// </summary>
public sealed class KeyId : IEquatable<KeyId>
{
    private readonly byte[] _bytes;

    private KeyId(byte[] bytes, string text) => (_bytes, Text) = (bytes, text);

    /// <summary>The base58 text, at most 44 characters.</summary>
    public string Text { get; }

    /// <summary>The 32-byte public key.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Parses the one text of a sound key; small-order, off-curve and non-canonical keys are refused.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out KeyId? id)
    {
        id = null;
        byte[] bytes = new byte[Crypto.KeyBytes];
        if (text is null || !Base58.TryDecode(text, bytes) || !Crypto.IsSoundPublicKey(bytes))
            return false;
        id = new KeyId(bytes, text);
        return true;
    }

    /// <summary>The id of a public key.</summary>
    /// <exception cref="ArgumentException">Not a sound key.</exception>
    public static KeyId FromPublicKey(ReadOnlySpan<byte> publicKey)
    {
        if (!Crypto.IsSoundPublicKey(publicKey))
            throw new ArgumentException("not a sound Ed25519 public key", nameof(publicKey));
        return new KeyId(publicKey.ToArray(), Base58.Encode(publicKey));
    }

    /// <summary>Whether <paramref name="signature"/> is this key's over <paramref name="message"/>.</summary>
    public bool Verifies(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => Crypto.Verify(_bytes, message, signature);

    /// <summary>The same key.</summary>
    public bool Equals(KeyId? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <summary>The same key.</summary>
    public override bool Equals(object? obj) => Equals(obj as KeyId);

    /// <summary>Of the text.</summary>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The base58 text.</summary>
    public override string ToString() => Text;
}
