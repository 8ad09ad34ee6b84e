using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Keys;

/// <summary>An X25519 key pair that things are sealed to. Lives in memory only and is erased when disposed.</summary>
public sealed class SealingKeyPair : IDisposable
{
    private readonly byte[] _public = new byte[Crypto.KeyBytes];
    private readonly byte[] _secret = GC.AllocateArray<byte>(Crypto.KeyBytes, pinned: true);

    private SealingKeyPair(ReadOnlySpan<byte> seed) => Crypto.BoxKeyPair(seed, _public, _secret);

    /// <summary>The public half, 32 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _public;

    /// <summary>A fresh pair.</summary>
    public static SealingKeyPair Generate()
    {
        Span<byte> seed = stackalloc byte[Crypto.KeyBytes];
        Crypto.Random(seed);
        SealingKeyPair pair = new(seed);
        Crypto.Erase(seed);
        return pair;
    }

    /// <summary>The pair of a 32-byte seed.</summary>
    public static SealingKeyPair FromSeed(ReadOnlySpan<byte> seed) => new(seed);

    /// <summary>Opens what was sealed to this pair, or null.</summary>
    public byte[]? TryOpen(ReadOnlySpan<byte> cipher) => Crypto.TryOpen(_public, _secret, cipher);

    /// <summary>Erases the private half.</summary>
    public void Dispose() => Crypto.Erase(_secret);
}
