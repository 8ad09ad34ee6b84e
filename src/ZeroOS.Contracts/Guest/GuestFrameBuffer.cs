using System.Buffers.Binary;

namespace ZeroOS.Contracts.Guest;

/// <summary>
/// Turns the bytes of a guest connection into frames (<see cref="GuestProtocol"/>). Holds one frame at most, and no more memory than the frames
/// that came needed; the peer may be hostile. <c>maxPayload</c> is in bytes. Not thread-safe.
/// </summary>
public sealed class GuestFrameBuffer(int maxPayload = GuestProtocol.MaxPayload)
{
    private byte[] _bytes = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>Room for the next read; at least one byte. Say with <see cref="Filled"/> how much was read.</summary>
    public Span<byte> Room()
    {
        if (_start == _end)
            _start = _end = 0;
        if (_end == _bytes.Length && _start > 0)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            _end -= _start;
            _start = 0;
        }
        // A full frame never stays behind (TryTake took it), so what fills the buffer is one frame longer than the buffer.
        if (_end == _bytes.Length)
            Array.Resize(ref _bytes, Math.Min(_bytes.Length * 2, GuestProtocol.HeaderSize + maxPayload));
        return _bytes.AsSpan(_end);
    }

    /// <summary>Says that <paramref name="count"/> bytes of <see cref="Room"/> were filled.</summary>
    public void Filled(int count) => _end += count;

    /// <summary>
    /// Takes the next whole frame. <paramref name="payload"/> is valid until the next call of <see cref="Room"/>. False with
    /// <paramref name="malformed"/> set: the announced length is beyond the most that is allowed, the connection cannot go on.
    /// </summary>
    public bool TryTake(out GuestFrameType type, out uint stream, out ReadOnlySpan<byte> payload, out bool malformed)
    {
        type = default;
        stream = 0;
        payload = default;
        malformed = false;
        ReadOnlySpan<byte> bytes = _bytes.AsSpan(_start, _end - _start);
        if (bytes.Length < GuestProtocol.HeaderSize)
            return false;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        malformed = length > (uint)maxPayload;
        if (malformed || bytes.Length - GuestProtocol.HeaderSize < (int)length)
            return false;
        type = (GuestFrameType)bytes[4];
        stream = BinaryPrimitives.ReadUInt32LittleEndian(bytes[5..]);
        payload = bytes.Slice(GuestProtocol.HeaderSize, (int)length);
        _start += GuestProtocol.HeaderSize + (int)length;
        return true;
    }

    /// <summary>Writes a frame's header; <paramref name="header"/> is <see cref="GuestProtocol.HeaderSize"/> bytes.</summary>
    public static void WriteHeader(Span<byte> header, GuestFrameType type, uint stream, int payloadLength)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)payloadLength);
        header[4] = (byte)type;
        BinaryPrimitives.WriteUInt32LittleEndian(header[5..], stream);
    }

    /// <summary>A whole frame as one array.</summary>
    public static byte[] Frame(GuestFrameType type, uint stream, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[GuestProtocol.HeaderSize + payload.Length];
        WriteHeader(frame, type, stream, payload.Length);
        payload.CopyTo(frame.AsSpan(GuestProtocol.HeaderSize));
        return frame;
    }
}
