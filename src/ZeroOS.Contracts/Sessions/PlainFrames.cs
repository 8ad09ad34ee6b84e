namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// Takes frames out of a stream between the node and a guest, where they travel plain: u24 length (little-endian), then the frame. Either may be anybody's:
/// a length that no frame has is refused before anything is reserved for it, and what is refused once stays refused. Holds one frame at most. Not thread-safe.
/// </summary>
public sealed class PlainFrames
{
    /// <summary>Bytes before a frame.</summary>
    public const int LengthBytes = 3;

    private byte[] _bytes = new byte[1024];
    private int _start;
    private int _end;

    /// <summary>What came is no frame: the stream cannot go on.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Writes a frame behind its length; returns the bytes written, <see cref="LengthBytes"/> more than the frame's.</summary>
    public static int Write(in SessionFrame frame, Span<byte> output)
    {
        int length = frame.Length;
        (output[0], output[1], output[2]) = ((byte)length, (byte)(length >> 8), (byte)(length >> 16));
        frame.Write(output[LengthBytes..]);
        return LengthBytes + length;
    }

    /// <summary>Room for the next read; at least one byte. Say with <see cref="Filled"/> how much was read.</summary>
    public Memory<byte> Room()
    {
        if (_start > 0)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _bytes.Length)
            Array.Resize(ref _bytes, Math.Min(_bytes.Length * 4, LengthBytes + SessionFrame.MaxBytes));
        return _bytes.AsMemory(_end);
    }

    /// <summary>Says that <paramref name="count"/> bytes of <see cref="Room"/> were filled.</summary>
    public void Filled(int count) => _end += count;

    /// <summary>
    /// Takes the next whole frame; false when there is none yet, or never again (<see cref="IsBroken"/>). The frame is valid until the next call of
    /// <see cref="Room"/>.
    /// </summary>
    public bool TryTake(out SessionFrame frame)
    {
        frame = default;
        if (IsBroken || _end - _start < LengthBytes)
            return false;
        ReadOnlySpan<byte> bytes = _bytes.AsSpan(_start, _end - _start);
        int count = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
        IsBroken = count is < SessionFrame.HeadBytes or > SessionFrame.MaxBytes;
        if (IsBroken || bytes.Length < LengthBytes + count)
            return false;
        IsBroken = !SessionFrame.TryRead(bytes.Slice(LengthBytes, count), out frame);
        _start += IsBroken ? 0 : LengthBytes + count;
        return !IsBroken;
    }
}
