using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

/// <summary>
/// Seals the frames that one end sends: u24 length in clear (little-endian, authenticated), then the encrypted frame and its tag. Not thread-safe: the order of
/// calls is the order on the wire.
/// </summary>
public sealed class FrameSealer : IDisposable
{
    /// <summary>Bytes that sealing adds to a frame.</summary>
    public const int Overhead = LengthBytes + Sodium.Crypto.TagBytes;

    /// <summary>Bytes of a sealed frame at most.</summary>
    public const int MaxBytes = Overhead + SessionFrame.MaxBytes;

    /// <summary>A key seals at most about so many bytes.</summary>
    public const long RekeyBytes = 1L << 30;

    private const int LengthBytes = FrameBuffer.LengthBytes;

    /// <summary>And it seals for at most so long, while something is sent.</summary>
    public static readonly TimeSpan RekeyAfter = TimeSpan.FromHours(1);

    private readonly FrameKey _key;
    private long _sealed;
    private long? _since;

    internal FrameSealer(FrameKey key) => _key = key;

    /// <summary>
    /// Seals one frame into <paramref name="output"/>, which has room for <see cref="MaxBytes"/> and, when the key is due, for the frame that says so.
    /// Returns the bytes written.
    /// </summary>
    /// <param name="time">Milliseconds of any one clock.</param>
    public int Seal(in SessionFrame frame, Span<byte> output, long time)
    {
        _since ??= time;
        int written = 0;
        if (_sealed >= RekeyBytes || time - _since >= RekeyAfter.TotalMilliseconds)
        {
            written = Write(new SessionFrame(SessionFrame.SessionChannel, SessionFrameType.Rekey, []), output);
            _key.Next();
            (_sealed, _since) = (0, time);
        }
        return written + Write(frame, output[written..]);
    }

    /// <summary>Room that one call of <see cref="Seal"/> may need.</summary>
    public static int Room(int bodyBytes) => (2 * (Overhead + SessionFrame.HeadBytes)) + bodyBytes;

    /// <summary>Erases the key.</summary>
    public void Dispose() => _key.Dispose();

    private int Write(in SessionFrame frame, Span<byte> output)
    {
        int length = frame.Length + Sodium.Crypto.TagBytes;
        FrameBuffer.WriteLength(output, length);
        Span<byte> plain = output.Slice(LengthBytes, frame.Length);
        frame.Write(plain);
        _key.Seal(output[..LengthBytes], plain, output.Slice(LengthBytes + frame.Length, Sodium.Crypto.TagBytes));
        _sealed += frame.Length;
        return LengthBytes + length;
    }
}
