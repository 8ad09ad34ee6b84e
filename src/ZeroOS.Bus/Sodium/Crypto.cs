namespace ZeroOS.Bus.Sodium;

/// <summary>What the bus needs of libsodium, over spans. Wrong lengths are faults of ours and throw; what a peer can cause returns false.</summary>
public static unsafe class Crypto
{
    /// <summary>Bytes of a seed, a public key and an X25519 secret key.</summary>
    public const int KeyBytes = 32;

    /// <summary>Bytes of an Ed25519 signature.</summary>
    public const int SignatureBytes = 64;

    /// <summary>What sealing adds: an ephemeral key and a tag.</summary>
    public const int SealOverhead = 48;

    /// <summary>Bytes of the tag of ChaCha20-Poly1305.</summary>
    internal const int TagBytes = 16;

    /// <summary>Bytes of its nonce.</summary>
    internal const int NonceBytes = 12;

    internal const int SecretBoxOverhead = 16;
    internal const int SecretBoxNonceBytes = 24;
    internal const int SaltBytes = 16;
    private const int SigningKeyBytes = 64;

    static Crypto()
    {
        if (Libsodium.sodium_init() < 0)
            throw new InvalidOperationException("libsodium cannot start: no source of randomness");
    }

    /// <summary>Fills the buffer from the kernel's random generator.</summary>
    public static void Random(Span<byte> buffer)
    {
        // SAFETY: every pointer in this class comes from a span pinned for the call, whose length was checked or is passed along.
        fixed (byte* p = buffer)
            Libsodium.randombytes_buf(p, (nuint)buffer.Length);
    }

    /// <summary>Fresh random bytes.</summary>
    public static byte[] Random(int count)
    {
        byte[] bytes = new byte[count];
        Random(bytes);
        return bytes;
    }

    /// <summary>Overwrites a secret in a way the compiler cannot leave out.</summary>
    public static void Erase(Span<byte> secret)
    {
        fixed (byte* p = secret)
            Libsodium.sodium_memzero(p, (nuint)secret.Length);
    }

    /// <summary>A canonical point of the main subgroup, not of small order: a key that binds a signature to one message.</summary>
    public static bool IsSoundPublicKey(ReadOnlySpan<byte> key)
    {
        Require(key, KeyBytes, nameof(key));
        fixed (byte* p = key)
            return Libsodium.crypto_core_ed25519_is_valid_point(p) == 1;
    }

    /// <summary>Verifies an Ed25519 signature (RFC 8032, with libsodium's refusal of non-canonical and small-order input).</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Require(publicKey, KeyBytes, nameof(publicKey));
        if (signature.Length != SignatureBytes)
            return false;
        fixed (byte* k = publicKey)
        fixed (byte* m = message)
        fixed (byte* s = signature)
            return Libsodium.crypto_sign_verify_detached(s, m, (ulong)message.Length, k) == 0;
    }

    /// <summary>Seals to an X25519 key; null when the key is of small order, so that nothing could be secret.</summary>
    public static byte[]? TrySeal(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message)
    {
        Require(publicKey, KeyBytes, nameof(publicKey));
        byte[] cipher = new byte[message.Length + SealOverhead];
        fixed (byte* k = publicKey)
        fixed (byte* m = message)
        fixed (byte* c = cipher)
            return Libsodium.crypto_box_seal(c, m, (ulong)message.Length, k) == 0 ? cipher : null;
    }

    /// <summary>Opens what was sealed to a key pair; null when it was not, or was changed.</summary>
    public static byte[]? TryOpen(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> cipher)
    {
        Require(publicKey, KeyBytes, nameof(publicKey));
        Require(secretKey, KeyBytes, nameof(secretKey));
        if (cipher.Length < SealOverhead)
            return null;
        byte[] message = new byte[cipher.Length - SealOverhead];
        fixed (byte* k = publicKey)
        fixed (byte* s = secretKey)
        fixed (byte* c = cipher)
        fixed (byte* m = message)
            return Libsodium.crypto_box_seal_open(m, c, (ulong)cipher.Length, k, s) == 0 ? message : null;
    }

    internal static void SigningKeyPair(ReadOnlySpan<byte> seed, Span<byte> publicKey, Span<byte> secretKey)
    {
        Require(seed, KeyBytes, nameof(seed));
        Require(publicKey, KeyBytes, nameof(publicKey));
        Require(secretKey, SigningKeyBytes, nameof(secretKey));
        fixed (byte* d = seed)
        fixed (byte* p = publicKey)
        fixed (byte* s = secretKey)
            _ = Libsodium.crypto_sign_seed_keypair(p, s, d);
    }

    internal static byte[] Sign(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> message)
    {
        Require(secretKey, SigningKeyBytes, nameof(secretKey));
        byte[] signature = new byte[SignatureBytes];
        fixed (byte* s = secretKey)
        fixed (byte* m = message)
        fixed (byte* o = signature)
            _ = Libsodium.crypto_sign_detached(o, null, m, (ulong)message.Length, s);
        return signature;
    }

    internal static void BoxKeyPair(ReadOnlySpan<byte> seed, Span<byte> publicKey, Span<byte> secretKey)
    {
        Require(seed, KeyBytes, nameof(seed));
        Require(publicKey, KeyBytes, nameof(publicKey));
        Require(secretKey, KeyBytes, nameof(secretKey));
        fixed (byte* d = seed)
        fixed (byte* p = publicKey)
        fixed (byte* s = secretKey)
            _ = Libsodium.crypto_box_seed_keypair(p, s, d);
    }

    internal static byte[] LockSecret(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> message)
    {
        Require(key, KeyBytes, nameof(key));
        Require(nonce, SecretBoxNonceBytes, nameof(nonce));
        byte[] cipher = new byte[message.Length + SecretBoxOverhead];
        fixed (byte* k = key)
        fixed (byte* n = nonce)
        fixed (byte* m = message)
        fixed (byte* c = cipher)
            _ = Libsodium.crypto_secretbox_easy(c, m, (ulong)message.Length, n, k);
        return cipher;
    }

    internal static byte[]? UnlockSecret(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher)
    {
        Require(key, KeyBytes, nameof(key));
        Require(nonce, SecretBoxNonceBytes, nameof(nonce));
        if (cipher.Length < SecretBoxOverhead)
            return null;
        byte[] message = new byte[cipher.Length - SecretBoxOverhead];
        fixed (byte* k = key)
        fixed (byte* n = nonce)
        fixed (byte* c = cipher)
        fixed (byte* m = message)
            return Libsodium.crypto_secretbox_open_easy(m, c, (ulong)cipher.Length, n, k) == 0 ? message : null;
    }

    /// <summary>Argon2id (RFC 9106, version 1.3) of a passphrase.</summary>
    internal static byte[] DeriveKey(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, ulong operations, long memoryBytes)
    {
        const int crypto_pwhash_ALG_ARGON2ID13 = 2;
        Require(salt, SaltBytes, nameof(salt));
        byte[] key = new byte[KeyBytes];
        int result;
        fixed (byte* w = passphrase)
        fixed (byte* s = salt)
        fixed (byte* k = key)
            result = Libsodium.crypto_pwhash(k, KeyBytes, w, (ulong)passphrase.Length, s, operations, (nuint)memoryBytes, crypto_pwhash_ALG_ARGON2ID13);
        return result == 0 ? key : throw new InsufficientMemoryException($"Argon2id needs {memoryBytes} bytes of memory");
    }

    /// <summary>BLAKE2b-256 (RFC 7693) of <paramref name="message"/> under <paramref name="key"/>, which may be empty and has at most 64 bytes.</summary>
    internal static void Hash(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> hash)
    {
        Require(hash, KeyBytes, nameof(hash));
        int result;
        fixed (byte* k = key)
        fixed (byte* m = message)
        fixed (byte* h = hash)
            result = Libsodium.crypto_generichash(h, KeyBytes, m, (ulong)message.Length, k, (nuint)key.Length);
        if (result != 0)
            throw new ArgumentException($"a key of BLAKE2b has {key.Length} bytes", nameof(key));
    }

    /// <summary>A fresh X25519 key pair for one key exchange.</summary>
    internal static void ExchangeKeyPair(Span<byte> publicKey, Span<byte> secretKey)
    {
        Require(publicKey, KeyBytes, nameof(publicKey));
        Require(secretKey, KeyBytes, nameof(secretKey));
        fixed (byte* p = publicKey)
        fixed (byte* s = secretKey)
            _ = Libsodium.crypto_kx_keypair(p, s);
    }

    /// <summary>
    /// The keys of both directions (libsodium's crypto_kx) as one end computes them; false when the peer's key is of small order, so that nothing could be
    /// secret.
    /// </summary>
    internal static bool TryExchange(bool client, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> peerKey, Span<byte> send,
        Span<byte> receive)
    {
        Require(publicKey, KeyBytes, nameof(publicKey));
        Require(secretKey, KeyBytes, nameof(secretKey));
        Require(peerKey, KeyBytes, nameof(peerKey));
        Require(send, KeyBytes, nameof(send));
        Require(receive, KeyBytes, nameof(receive));
        fixed (byte* p = publicKey)
        fixed (byte* s = secretKey)
        fixed (byte* k = peerKey)
        fixed (byte* o = send)
        fixed (byte* i = receive)
            return (client ? Libsodium.crypto_kx_client_session_keys(i, o, p, s, k) : Libsodium.crypto_kx_server_session_keys(i, o, p, s, k)) == 0;
    }

    /// <summary>
    /// Encrypts in place by ChaCha20-Poly1305 (RFC 8439); <paramref name="beside"/> is authenticated with it. A nonce counts once for a key.
    /// </summary>
    internal static void Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> beside, Span<byte> message, Span<byte> tag)
    {
        Require(key, KeyBytes, nameof(key));
        Require(nonce, NonceBytes, nameof(nonce));
        Require(tag, TagBytes, nameof(tag));
        fixed (byte* k = key)
        fixed (byte* n = nonce)
        fixed (byte* b = beside)
        fixed (byte* m = message)
        fixed (byte* t = tag)
            _ = Libsodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(m, t, null, m, (ulong)message.Length, b, (ulong)beside.Length, null, n, k);
    }

    /// <summary>Decrypts in place what <see cref="Encrypt"/> made; false, and nothing is decrypted, when it is anything else.</summary>
    internal static bool TryDecrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> beside, Span<byte> cipher, ReadOnlySpan<byte> tag)
    {
        Require(key, KeyBytes, nameof(key));
        Require(nonce, NonceBytes, nameof(nonce));
        Require(tag, TagBytes, nameof(tag));
        fixed (byte* k = key)
        fixed (byte* n = nonce)
        fixed (byte* b = beside)
        fixed (byte* c = cipher)
        fixed (byte* t = tag)
            return Libsodium.crypto_aead_chacha20poly1305_ietf_decrypt_detached(c, null, c, (ulong)cipher.Length, t, b, (ulong)beside.Length, n, k) == 0;
    }

    private static void Require(ReadOnlySpan<byte> bytes, int length, string what)
    {
        if (bytes.Length != length)
            throw new ArgumentException($"{what} has {bytes.Length} bytes instead of {length}", what);
    }
}
