using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

/// <summary>
/// Opens the frames that a peer sealed, from a stream of bytes that may be anybody's: a length that no frame has is refused before anything is reserved for it,
/// and no byte of a frame is looked at before all of it is authenticated. What is refused once stays refused. Holds one frame at most. Not thread-safe.
/// </summary>
public sealed class FrameOpener : IDisposable
{
    private const int LeastBytes = SessionFrame.HeadBytes + Crypto.TagBytes, MostBytes = SessionFrame.MaxBytes + Crypto.TagBytes;

    private readonly FrameKey _key;
    private byte[] _bytes = new byte[1024];
    private int _start;
    private int _end;
    private Range _taken;

    internal FrameOpener(FrameKey key) => _key = key;

    /// <summary>The peer sent what is no next frame: the session cannot go on.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>A frame has begun and is not whole: it may not stay so for long.</summary>
    public bool IsUnfinished => _end > _start;

    /// <summary>Room for the next read; at least one byte. Say with <see cref="Filled"/> how much was read.</summary>
    public Memory<byte> Room()
    {
        if (_start > 0)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _bytes.Length)
            Array.Resize(ref _bytes, Math.Min(_bytes.Length * 4, FrameSealer.LengthBytes + MostBytes));
        return _bytes.AsMemory(_end);
    }

    /// <summary>Says that <paramref name="count"/> bytes of <see cref="Room"/> were filled.</summary>
    public void Filled(int count) => _end += count;

    /// <summary>
    /// Takes the next whole frame; false when there is none yet, or never again (<see cref="IsBroken"/>). The frame is valid until the next call of
    /// <see cref="Room"/>. The peer's next key is taken over with the frame that says so.
    /// </summary>
    public bool TryTake(out SessionFrame frame)
    {
        frame = default;
        if (IsBroken || _end - _start < FrameSealer.LengthBytes)
            return false;
        Span<byte> bytes = _bytes.AsSpan(_start, _end - _start), length = bytes[..FrameSealer.LengthBytes];
        int count = length[0] | (length[1] << 8) | (length[2] << 16);
        IsBroken = count is < LeastBytes or > MostBytes;
        if (IsBroken || bytes.Length < FrameSealer.LengthBytes + count)
            return false;
        Span<byte> plain = bytes.Slice(FrameSealer.LengthBytes, count - Crypto.TagBytes);
        Span<byte> tag = bytes.Slice(FrameSealer.LengthBytes + plain.Length, Crypto.TagBytes);
        IsBroken = !_key.TryOpen(length, plain, tag) || !SessionFrame.TryRead(plain, out frame);
        if (IsBroken)
            return false;
        _taken = _start..(_start + FrameSealer.LengthBytes + plain.Length);
        _start += FrameSealer.LengthBytes + count;
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
        Memory<byte> frame = _bytes.AsMemory()[_taken];
        int length = frame.Length - PlainFrames.LengthBytes;
        (frame.Span[0], frame.Span[1], frame.Span[2]) = ((byte)length, (byte)(length >> 8), (byte)(length >> 16));
        return frame;
    }

    /// <summary>Erases the key.</summary>
    public void Dispose() => _key.Dispose();
}
