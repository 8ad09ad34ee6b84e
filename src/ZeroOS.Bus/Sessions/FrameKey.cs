using System.Buffers.Binary;

using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Sessions;

/// <summary>
/// The key of one direction of a session and the number of the next frame, which is the nonce: a frame that is missing, repeated or out of order does not
/// authenticate. Not thread-safe.
/// </summary>
internal sealed class FrameKey : IDisposable
{
    private readonly byte[] _key = GC.AllocateArray<byte>(Crypto.KeyBytes, pinned: true);
    private readonly byte[] _nonce = new byte[Crypto.NonceBytes];
    private ulong _number;

    /// <summary>The direction's key: the exchanged one, bound to the hash of what was signed.</summary>
    public FrameKey(ReadOnlySpan<byte> exchanged, ReadOnlySpan<byte> hash) => Crypto.Hash(exchanged, hash, _key);

    /// <summary>Encrypts the next frame in place.</summary>
    public void Seal(ReadOnlySpan<byte> length, Span<byte> frame, Span<byte> tag) => Crypto.Encrypt(_key, Nonce(), length, frame, tag);

    /// <summary>Decrypts the next frame in place; false when it is not the next frame.</summary>
    public bool TryOpen(ReadOnlySpan<byte> length, Span<byte> frame, ReadOnlySpan<byte> tag) => Crypto.TryDecrypt(_key, Nonce(), length, frame, tag);

    /// <summary>Goes on with the next key; the one before is gone, and with it what was said under it.</summary>
    public void Next()
    {
        Span<byte> next = stackalloc byte[Crypto.KeyBytes];
        Crypto.Hash(_key, "rekey"u8, next);
        next.CopyTo(_key);
        Crypto.Erase(next);
    }

    /// <inheritdoc/>
    public void Dispose() => Crypto.Erase(_key);

    private byte[] Nonce()
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_nonce.AsSpan(Crypto.NonceBytes - sizeof(ulong)), _number++);
        return _nonce;
    }
}
