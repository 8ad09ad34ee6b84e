using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Keys;

/// <summary>The private half of an identity. It only signs; what is secret travels under <see cref="SealingKeys"/>. Erased when disposed.</summary>
public sealed class IdentityKey : IDisposable
{
    // Pinned, so that the collector leaves no copies behind when it compacts.
    private readonly byte[] _seed = GC.AllocateArray<byte>(Crypto.KeyBytes, pinned: true);
    private readonly byte[] _secret = GC.AllocateArray<byte>(64, pinned: true);

    private IdentityKey(ReadOnlySpan<byte> seed)
    {
        seed.CopyTo(_seed);
        Span<byte> publicKey = stackalloc byte[Crypto.KeyBytes];
        Crypto.SigningKeyPair(seed, publicKey, _secret);
        Id = KeyId.FromPublicKey(publicKey);
    }

    /// <summary>The public half.</summary>
    public KeyId Id { get; }

    /// <summary>The 32 bytes everything comes from: for key files and the node's identity store.</summary>
    public ReadOnlySpan<byte> Seed => _seed;

    /// <summary>A fresh identity.</summary>
    public static IdentityKey Generate()
    {
        Span<byte> seed = stackalloc byte[Crypto.KeyBytes];
        Crypto.Random(seed);
        IdentityKey key = new(seed);
        Crypto.Erase(seed);
        return key;
    }

    /// <summary>The identity of a 32-byte seed (RFC 8032's private key).</summary>
    public static IdentityKey FromSeed(ReadOnlySpan<byte> seed) => new(seed);

    /// <summary>The 64-byte signature over the message.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message) => Crypto.Sign(_secret, message);

    /// <summary>Erases the secrets.</summary>
    public void Dispose()
    {
        Crypto.Erase(_seed);
        Crypto.Erase(_secret);
    }
}
