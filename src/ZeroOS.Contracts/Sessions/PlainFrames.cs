namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// Takes frames out of a stream between the node and a guest, where they travel plain behind their length (<see cref="FrameBuffer"/>). Not thread-safe.
/// </summary>
public sealed class PlainFrames
{
    /// <summary>Bytes before a frame.</summary>
    public const int LengthBytes = FrameBuffer.LengthBytes;

    /// <summary>What has come and was not taken.</summary>
    public FrameBuffer Buffer { get; } = new(SessionFrame.HeadBytes, SessionFrame.MaxBytes);

    /// <inheritdoc cref="FrameBuffer.IsBroken"/>
    public bool IsBroken => Buffer.IsBroken;

    /// <inheritdoc cref="FrameBuffer.IsUnfinished"/>
    public bool IsUnfinished => Buffer.IsUnfinished;

    /// <summary>Writes a frame behind its length; returns the bytes written, <see cref="LengthBytes"/> more than the frame's.</summary>
    public static int Write(in SessionFrame frame, Span<byte> output)
    {
        FrameBuffer.WriteLength(output, frame.Length);
        frame.Write(output[LengthBytes..]);
        return LengthBytes + frame.Length;
    }

    /// <inheritdoc cref="FrameBuffer.Room"/>
    public Memory<byte> Room() => Buffer.Room();

    /// <inheritdoc cref="FrameBuffer.Filled"/>
    public void Filled(int count) => Buffer.Filled(count);

    /// <summary>
    /// Takes the next whole frame; false when there is none yet, or never again (<see cref="IsBroken"/>). The frame is valid until the next call of
    /// <see cref="Room"/>.
    /// </summary>
    public bool TryTake(out SessionFrame frame)
    {
        frame = default;
        if (!Buffer.TryTake(out Memory<byte> bytes))
            return false;
        if (SessionFrame.TryRead(bytes.Span[LengthBytes..], out frame))
            return true;
        Buffer.Refuse();
        return false;
    }
}
