using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

/// <summary>
/// Opens the frames that a peer sealed, from a stream of bytes that may be anybody's: a length that no frame has is refused before anything is reserved for it,
/// and no byte of a frame is looked at before all of it is authenticated. What is refused once stays refused. Holds one frame at most. Not thread-safe.
/// </summary>
public sealed class FrameOpener : IDisposable
{
    private readonly FrameKey _key;
    private Memory<byte> _taken;

    internal FrameOpener(FrameKey key) => _key = key;

    /// <summary>What has come and was not taken.</summary>
    public FrameBuffer Buffer { get; } = new(SessionFrame.HeadBytes + Crypto.TagBytes, SessionFrame.MaxBytes + Crypto.TagBytes);

    /// <summary>The peer sent what is no next frame: the session cannot go on.</summary>
    public bool IsBroken => Buffer.IsBroken;

    /// <summary>A frame has begun and is not whole: it may not stay so for long.</summary>
    public bool IsUnfinished => Buffer.IsUnfinished;

    /// <inheritdoc cref="FrameBuffer.Room"/>
    public Memory<byte> Room() => Buffer.Room();

    /// <inheritdoc cref="FrameBuffer.Filled"/>
    public void Filled(int count) => Buffer.Filled(count);

    /// <summary>
    /// Takes the next whole frame; false when there is none yet, or never again (<see cref="IsBroken"/>). The frame is valid until the next call of
    /// <see cref="Room"/>. The peer's next key is taken over with the frame that says so.
    /// </summary>
    public bool TryTake(out SessionFrame frame)
    {
        frame = default;
        if (!Buffer.TryTake(out Memory<byte> bytes))
            return false;
        Span<byte> length = bytes.Span[..FrameBuffer.LengthBytes], plain = bytes.Span[FrameBuffer.LengthBytes..^Crypto.TagBytes];
        if (!_key.TryOpen(length, plain, bytes.Span[^Crypto.TagBytes..]) || !SessionFrame.TryRead(plain, out frame))
        {
            Buffer.Refuse();
            return false;
        }
        _taken = bytes[..^Crypto.TagBytes];
        if (frame.Type == SessionFrameType.Rekey)
            _key.Next();
        return true;
    }

    /// <summary>
    /// The frame that was taken last as it travels between node and guest (<see cref="PlainFrames"/>), in place; valid until the next call of
    /// <see cref="Room"/>.
    /// </summary>
    public ReadOnlyMemory<byte> TakenPlain()
    {
        FrameBuffer.WriteLength(_taken.Span, _taken.Length - FrameBuffer.LengthBytes);
        return _taken;
    }

    /// <summary>Erases the key.</summary>
    public void Dispose() => _key.Dispose();
}
