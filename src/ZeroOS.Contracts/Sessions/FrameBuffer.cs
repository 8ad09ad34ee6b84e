namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// Takes frames that stand behind their length (u24, little-endian) out of a stream of bytes that may be anybody's: a length that no frame has is refused
/// before anything is reserved for it, and what is refused once stays refused. Holds one frame at most. Not thread-safe.
/// </summary>
/// <param name="least">Bytes of a frame at least, its length not counted.</param>
/// <param name="most">Bytes of a frame at most.</param>
public sealed class FrameBuffer(int least, int most)
{
    /// <summary>Bytes before a frame.</summary>
    public const int LengthBytes = 3;

    private byte[] _bytes = new byte[1024];
    private int _start;
    private int _end;

    /// <summary>What came is no frame: the stream cannot go on.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>A frame has begun and is not whole.</summary>
    public bool IsUnfinished => _end > _start;

    /// <summary>Writes the length of a frame to the beginning of <paramref name="output"/>.</summary>
    public static void WriteLength(Span<byte> output, int length) =>
        (output[0], output[1], output[2]) = ((byte)length, (byte)(length >> 8), (byte)(length >> 16));

    /// <summary>Room for the next read; at least one byte. Say with <see cref="Filled"/> how much was read.</summary>
    public Memory<byte> Room()
    {
        if (_start > 0)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _bytes.Length)
            Array.Resize(ref _bytes, Math.Min(_bytes.Length * 4, LengthBytes + most));
        return _bytes.AsMemory(_end);
    }

    /// <summary>Says that <paramref name="count"/> bytes of <see cref="Room"/> were filled.</summary>
    public void Filled(int count) => _end += count;

    /// <summary>
    /// Takes the next whole frame, with its length in front; false when there is none yet, or never again (<see cref="IsBroken"/>). It is valid until the next
    /// call of <see cref="Room"/>.
    /// </summary>
    public bool TryTake(out Memory<byte> frame)
    {
        frame = default;
        if (IsBroken || _end - _start < LengthBytes)
            return false;
        ReadOnlySpan<byte> bytes = _bytes.AsSpan(_start, _end - _start);
        int count = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
        IsBroken = count < least || count > most;
        if (IsBroken || bytes.Length < LengthBytes + count)
            return false;
        frame = _bytes.AsMemory(_start, LengthBytes + count);
        _start += LengthBytes + count;
        return true;
    }

    /// <summary>What was taken last is no frame: nothing is taken any more.</summary>
    public void Refuse() => IsBroken = true;
}
