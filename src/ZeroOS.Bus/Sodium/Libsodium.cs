using System.Runtime.InteropServices;

namespace ZeroOS.Bus.Sodium;

/// <summary>libsodium as its manual says it; the only P/Invoke of it in the tree. Blittable, no marshalling.</summary>
internal static unsafe partial class Libsodium
{
    private const string Sodium = "libsodium";

    [LibraryImport(Sodium)]
    internal static partial int sodium_init();

    [LibraryImport(Sodium)]
    internal static partial void sodium_memzero(byte* p, nuint length);

    [LibraryImport(Sodium)]
    internal static partial void randombytes_buf(byte* p, nuint length);

    [LibraryImport(Sodium)]
    internal static partial int crypto_sign_seed_keypair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Sodium)]
    internal static partial int crypto_sign_detached(byte* signature, ulong* signatureLength, byte* message, ulong messageLength, byte* secretKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_sign_verify_detached(byte* signature, byte* message, ulong messageLength, byte* publicKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_core_ed25519_is_valid_point(byte* point);

    [LibraryImport(Sodium)]
    internal static partial int crypto_box_seed_keypair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Sodium)]
    internal static partial int crypto_box_seal(byte* cipher, byte* message, ulong messageLength, byte* publicKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_box_seal_open(byte* message, byte* cipher, ulong cipherLength, byte* publicKey, byte* secretKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_secretbox_easy(byte* cipher, byte* message, ulong messageLength, byte* nonce, byte* key);

    [LibraryImport(Sodium)]
    internal static partial int crypto_secretbox_open_easy(byte* message, byte* cipher, ulong cipherLength, byte* nonce, byte* key);

    [LibraryImport(Sodium)]
    internal static partial int crypto_pwhash(byte* output, ulong outputLength, byte* password, ulong passwordLength, byte* salt, ulong operations,
        nuint memory, int algorithm);

    [LibraryImport(Sodium)]
    internal static partial int crypto_generichash(byte* output, nuint outputLength, byte* input, ulong inputLength, byte* key, nuint keyLength);

    [LibraryImport(Sodium)]
    internal static partial int crypto_kx_keypair(byte* publicKey, byte* secretKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_kx_client_session_keys(byte* receive, byte* send, byte* clientKey, byte* clientSecret, byte* serverKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_kx_server_session_keys(byte* receive, byte* send, byte* serverKey, byte* serverSecret, byte* clientKey);

    [LibraryImport(Sodium)]
    internal static partial int crypto_aead_chacha20poly1305_ietf_encrypt_detached(byte* cipher, byte* tag, ulong* tagLength, byte* message,
        ulong messageLength, byte* beside, ulong besideLength, byte* unused, byte* nonce, byte* key);

    [LibraryImport(Sodium)]
    internal static partial int crypto_aead_chacha20poly1305_ietf_decrypt_detached(byte* message, byte* unused, byte* cipher, ulong cipherLength,
        byte* tag, byte* beside, ulong besideLength, byte* nonce, byte* key);
}
