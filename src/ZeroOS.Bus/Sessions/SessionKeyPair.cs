using System.Buffers.Binary;

using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Sessions;

/// <summary>
/// One end's part in the beginning of one session: a fresh X25519 key pair, used once and erased. What both ends derive is bound to the opening and its answer
/// as they were signed, so a session opened for one thing cannot be continued as another.
/// </summary>
public sealed class SessionKeyPair : IDisposable
{
    /// <summary>Bytes of a public key.</summary>
    public const int Bytes = Crypto.KeyBytes;

    private readonly byte[] _publicKey = new byte[Bytes];
    private readonly byte[] _secretKey = GC.AllocateArray<byte>(Bytes, pinned: true);
    private bool _used;

    /// <summary>Makes a fresh pair.</summary>
    public SessionKeyPair() => Crypto.ExchangeKeyPair(_publicKey, _secretKey);

    /// <summary>What the peer is told.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>Derives both directions as the client; null when the node's key makes no secret. The pair is used up.</summary>
    /// <param name="peerKey">The other end's key, <see cref="Bytes"/> long.</param>
    /// <param name="opening">The payload of the signed opening, byte for byte.</param>
    /// <param name="answer">The payload of the signed answer, byte for byte.</param>
    public SessionCiphers? AsClient(ReadOnlySpan<byte> peerKey, ReadOnlySpan<byte> opening, ReadOnlySpan<byte> answer) =>
        Derive(client: true, peerKey, opening, answer);

    /// <summary>Derives both directions as the node; null when the client's key makes no secret. The pair is used up.</summary>
    /// <inheritdoc cref="AsClient"/>
    public SessionCiphers? AsNode(ReadOnlySpan<byte> peerKey, ReadOnlySpan<byte> opening, ReadOnlySpan<byte> answer) =>
        Derive(client: false, peerKey, opening, answer);

    /// <summary>Erases the secret key.</summary>
    public void Dispose()
    {
        _used = true;
        Crypto.Erase(_secretKey);
    }

    private SessionCiphers? Derive(bool client, ReadOnlySpan<byte> peerKey, ReadOnlySpan<byte> opening, ReadOnlySpan<byte> answer)
    {
        ObjectDisposedException.ThrowIf(_used, this);
        if (peerKey.Length != Bytes)
            return null;
        Span<byte> hash = stackalloc byte[Crypto.KeyBytes];
        Crypto.Hash([], Transcript(opening, answer), hash);
        byte[] send = GC.AllocateArray<byte>(Crypto.KeyBytes, pinned: true), receive = GC.AllocateArray<byte>(Crypto.KeyBytes, pinned: true);
        bool sound = Crypto.TryExchange(client, _publicKey, _secretKey, peerKey, send, receive);
        Dispose();
        if (!sound)
            return null;
        FrameKey outwards = new(send, hash), inwards = new(receive, hash);
        Crypto.Erase(send);
        Crypto.Erase(receive);
        return new SessionCiphers(new FrameSealer(outwards), new FrameOpener(inwards));
    }

    // Each payload behind its length: no two pairs of payloads have the same transcript.
    private static byte[] Transcript(ReadOnlySpan<byte> opening, ReadOnlySpan<byte> answer)
    {
        ReadOnlySpan<byte> context = "zeroos.session.v1\0"u8;
        byte[] transcript = new byte[context.Length + (2 * sizeof(ulong)) + opening.Length + answer.Length];
        context.CopyTo(transcript);
        Span<byte> rest = transcript.AsSpan(context.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(rest, (ulong)opening.Length);
        opening.CopyTo(rest[sizeof(ulong)..]);
        rest = rest[(sizeof(ulong) + opening.Length)..];
        BinaryPrimitives.WriteUInt64LittleEndian(rest, (ulong)answer.Length);
        answer.CopyTo(rest[sizeof(ulong)..]);
        return transcript;
    }
}
