namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// Takes frames that stand behind their length (u24, little-endian) out of a stream of bytes that may be anybody's: a length that no frame has is refused
/// before anything is reserved for it, and what is refused once stays refused. Holds one frame at most. By itself it grows with the longest frame and stays so;
/// whose memory is counted lends it room for a long frame (<see cref="WantsRoom"/>), and takes that back. Not thread-safe.
/// </summary>
/// <param name="least">Bytes of a frame at least, its length not counted.</param>
/// <param name="most">Bytes of a frame at most.</param>
public sealed class FrameBuffer(int least, int most)
{
    /// <summary>Bytes before a frame.</summary>
    public const int LengthBytes = 3;

    /// <summary>Bytes that it begins with; a frame that is shorter needs no room of anybody's.</summary>
    public const int OwnBytes = 1024;

    private byte[] _bytes = new byte[OwnBytes];
    private byte[]? _own;       // while room is lent
    private int _start;
    private int _end;

    /// <summary>What came is no frame: the stream cannot go on.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>A frame has begun and is not whole.</summary>
    public bool IsUnfinished => _end > _start;

    /// <summary>What has come begins a frame that does not fit. Asked when there is no whole frame to take.</summary>
    public bool WantsRoom => !IsBroken && _end - _start >= LengthBytes && LengthBytes + Length > _bytes.Length;

    private int Length => _bytes[_start] | (_bytes[_start + 1] << 8) | (_bytes[_start + 2] << 16);

    /// <summary>Writes the length of a frame to the beginning of <paramref name="output"/>.</summary>
    public static void WriteLength(Span<byte> output, int length) =>
        (output[0], output[1], output[2]) = ((byte)length, (byte)(length >> 8), (byte)(length >> 16));

    /// <summary>Room for the next read; at least one byte. Say with <see cref="Filled"/> how much was read.</summary>
    public Memory<byte> Room()
    {
        MoveTo(_bytes);
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
        int count = Length;
        IsBroken = count < least || count > most;
        if (IsBroken || _end - _start < LengthBytes + count)
            return false;
        frame = _bytes.AsMemory(_start, LengthBytes + count);
        _start += LengthBytes + count;
        return true;
    }

    /// <summary>What was taken last is no frame: nothing is taken any more.</summary>
    public void Refuse() => IsBroken = true;

    /// <summary>Holds what has come in <paramref name="room"/> from now on, which has to hold the longest frame and its length.</summary>
    public void Lend(byte[] room)
    {
        _own = _bytes;
        MoveTo(room);
    }

    /// <summary>Gives the room back that was lent, once the rest of what has come fits without it; null until then. What was taken is gone.</summary>
    public byte[]? TakeBack() => _end - _start <= OwnBytes && (_end - _start < LengthBytes || LengthBytes + Length <= OwnBytes) ? Return() : null;

    /// <summary>Gives the room back that was lent, with whatever is in it: nothing is taken any more.</summary>
    public byte[]? Abandon()
    {
        IsBroken = true;
        _end = _start;
        return Return();
    }

    private byte[]? Return()
    {
        if (_own is not { } own)
            return null;
        byte[] room = _bytes;
        _own = null;
        MoveTo(own);
        return room;
    }

    private void MoveTo(byte[] bytes)
    {
        if (bytes == _bytes && _start == 0)
            return;
        _bytes.AsSpan(_start, _end - _start).CopyTo(bytes);
        (_bytes, _start, _end) = (bytes, 0, _end - _start);
    }
}
