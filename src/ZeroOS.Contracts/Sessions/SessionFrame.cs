using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Contracts.Sessions;

/// <summary>
/// One frame of a session as its ends see it: a channel, a type, a body. The same bytes travel sealed between a client and the node and plain between the node
/// and a guest: u32 channel, u8 type, body; little-endian. The body belongs to whoever made the frame. Reading never throws and takes nothing that is longer or
/// shorter than its type allows.
/// </summary>
public readonly ref struct SessionFrame
{
    /// <summary>Bytes before the body.</summary>
    public const int HeadBytes = 5;

    /// <summary>Bytes of a whole frame at most.</summary>
    public const int MaxBytes = HeadBytes + SessionLimits.BodyBytes;

    /// <summary>The channel that is the session itself.</summary>
    public const uint SessionChannel = uint.MaxValue;

    /// <summary>A frame; throws when the body is not one of its type.</summary>
    /// <exception cref="ArgumentException">A fault of ours: the body's length is wrong.</exception>
    public SessionFrame(uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        if (!Fits(channel, type, body.Length))
            throw new ArgumentException($"a frame of type {type} on channel {channel} has no body of {body.Length} bytes", nameof(body));
        Channel = channel;
        Type = type;
        Body = body;
    }

    /// <summary>Which channel it is about.</summary>
    public uint Channel { get; }

    /// <summary>What it says.</summary>
    public SessionFrameType Type { get; }

    /// <summary>At most <see cref="SessionLimits.BodyBytes"/>.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>Bytes of the whole frame.</summary>
    public int Length => HeadBytes + Body.Length;

    /// <summary>Window: bytes granted.</summary>
    public uint Credit => BinaryPrimitives.ReadUInt32LittleEndian(Body);

    /// <summary>Resize: columns and rows.</summary>
    public (ushort Columns, ushort Rows) Size => (BinaryPrimitives.ReadUInt16LittleEndian(Body), BinaryPrimitives.ReadUInt16LittleEndian(Body[2..]));

    /// <summary>Signal: its number.</summary>
    public int SignalNumber => Body[0];

    /// <summary>Exit: the code.</summary>
    public int ExitCode => BinaryPrimitives.ReadInt32LittleEndian(Body);

    /// <summary>Close: why.</summary>
    public SessionCloseReason Reason =>
        (SessionCloseReason)BinaryPrimitives.ReadUInt16LittleEndian(Body) is var reason && Enum.IsDefined(reason) ? reason : SessionCloseReason.Protocol;

    /// <summary>Close and note: the sentence, as the peer wrote it; not safe to show as it is.</summary>
    public string Sentence => Encoding.UTF8.GetString(Type == SessionFrameType.Close ? Body[2..] : Body);

    /// <summary>Reads a whole frame; false unless it is one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SessionFrame frame)
    {
        frame = default;
        if (bytes.Length < HeadBytes)
            return false;
        uint channel = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        SessionFrameType type = (SessionFrameType)bytes[4];
        if (!Fits(channel, type, bytes.Length - HeadBytes))
            return false;
        frame = new SessionFrame(channel, type, bytes[HeadBytes..]);
        return true;
    }

    /// <summary>Writes the frame to the beginning of <paramref name="bytes"/>, which has room for <see cref="Length"/>.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Channel);
        bytes[4] = (byte)Type;
        Body.CopyTo(bytes[HeadBytes..]);
    }

    /// <summary>Body of a window.</summary>
    public static byte[] CreditBody(uint bytes)
    {
        byte[] body = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(body, bytes);
        return body;
    }

    /// <summary>Body of a resize.</summary>
    public static byte[] SizeBody(ushort columns, ushort rows)
    {
        byte[] body = new byte[4];
        BinaryPrimitives.WriteUInt16LittleEndian(body, columns);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(2), rows);
        return body;
    }

    /// <summary>Body of an exit.</summary>
    public static byte[] ExitBody(int code)
    {
        byte[] body = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(body, code);
        return body;
    }

    /// <summary>Body of a note, cut where it is too long.</summary>
    public static byte[] NoteBody(string sentence) => Encode(sentence, 0);

    /// <summary>Body of a close, its sentence cut where it is too long.</summary>
    public static byte[] CloseBody(SessionCloseReason reason, string sentence)
    {
        byte[] body = Encode(sentence, 2);
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)reason);
        return body;
    }

    private static byte[] Encode(string sentence, int before)
    {
        Span<byte> bytes = stackalloc byte[SessionLimits.SentenceBytes];
        Encoding.UTF8.GetEncoder().Convert(sentence, bytes, flush: true, out _, out int written, out _);
        byte[] body = new byte[before + written];
        bytes[..written].CopyTo(body.AsSpan(before));
        return body;
    }

    private static bool Fits(uint channel, SessionFrameType type, int length) => type switch
    {
        SessionFrameType.Begin => length is > 0 and <= SessionLimits.BodyBytes,
        SessionFrameType.Data => channel != SessionChannel && length is > 0 and <= SessionLimits.BodyBytes,
        SessionFrameType.Window => channel != SessionChannel && length == 4,
        SessionFrameType.HalfClose => channel != SessionChannel && length == 0,
        SessionFrameType.Close => length is >= 2 and <= 2 + SessionLimits.SentenceBytes,
        SessionFrameType.Resize or SessionFrameType.Exit => channel != SessionChannel && length == 4,
        SessionFrameType.Signal => channel != SessionChannel && length == 1,
        SessionFrameType.KeepAlive or SessionFrameType.Rekey => channel == SessionChannel && length == 0,
        SessionFrameType.Note => length <= SessionLimits.SentenceBytes,
        _ => false,
    };
}
