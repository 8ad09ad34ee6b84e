using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ZeroOS.Flist;

/// <summary>
/// A SHA-256 as a value: 32 bytes, compared by content, written "sha256:" and 64 lower-case hexadecimal digits (OCI image-spec, descriptor.md).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Sha256Digest : IEquatable<Sha256Digest>
{
    /// <summary>Bytes in a digest.</summary>
    public const int Size = 32;

    private const string Prefix = "sha256:";
    private readonly ulong _a, _b, _c, _d;

    /// <summary>Takes the first 32 bytes of <paramref name="bytes"/>.</summary>
    public Sha256Digest(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes[..Size]);
        (_a, _b, _c, _d) = (words[0], words[1], words[2], words[3]);
    }

    /// <summary>The digest of <paramref name="content"/>; allocates nothing.</summary>
    public static Sha256Digest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[Size];
        SHA256.HashData(content, hash);
        return new Sha256Digest(hash);
    }

    /// <summary>Reads "sha256:&lt;64 lower-case hex digits&gt;" and nothing else.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Sha256Digest digest)
    {
        digest = default;
        if (text is null || text.Length != Prefix.Length + (2 * Size) || !text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        Span<byte> bytes = stackalloc byte[Size];
        for (int i = 0; i < Size; i++)
        {
            int high = Nibble(text[Prefix.Length + (2 * i)]), low = Nibble(text[Prefix.Length + (2 * i) + 1]);
            if ((high | low) < 0)
                return false;
            bytes[i] = (byte)((high << 4) | low);
        }
        digest = new Sha256Digest(bytes);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>.</summary>
    /// <exception cref="FormatException">The text is not a digest.</exception>
    public static Sha256Digest Parse(string text) =>
        TryParse(text, out Sha256Digest digest) ? digest : throw new FormatException($"\"{text}\" is not sha256:<64 lower-case hexadecimal digits>.");

    /// <summary>Copies the 32 bytes out.</summary>
    public void CopyTo(Span<byte> destination)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(destination[..Size]);
        (words[0], words[1], words[2], words[3]) = (_a, _b, _c, _d);
    }

    /// <summary>The 64 hexadecimal digits alone: a file name.</summary>
    public string Hex
    {
        get
        {
            Span<byte> bytes = stackalloc byte[Size];
            CopyTo(bytes);
            return Convert.ToHexStringLower(bytes);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Prefix + Hex;

    /// <inheritdoc/>
    public bool Equals(Sha256Digest other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Sha256Digest other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_a, _b);

    /// <summary>The same 32 bytes.</summary>
    public static bool operator ==(Sha256Digest left, Sha256Digest right) => left.Equals(right);

    /// <summary>Not the same 32 bytes.</summary>
    public static bool operator !=(Sha256Digest left, Sha256Digest right) => !left.Equals(right);

    private static int Nibble(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        _ => -1,
    };
}
