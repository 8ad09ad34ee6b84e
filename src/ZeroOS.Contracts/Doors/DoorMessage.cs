using System.Buffers.Binary;

namespace ZeroOS.Contracts.Doors;

/// <summary>What is said on the link between a door and role node: one of these a seqpacket message.</summary>
public enum DoorVerb : byte
{
    /// <summary>
    /// Door: an envelope. The body is the envelope, or, with <see cref="DoorMessage.BesideFlag"/>, its length (u32) with a sealed memfd beside.
    /// </summary>
    Ask = 1,

    /// <summary>Door: so many bytes (u32) of an answer have left; the node may send as many again.</summary>
    Credit = 2,

    /// <summary>Door: nobody waits for the answer any more.</summary>
    Cancel = 3,

    /// <summary>
    /// Node: keys that have a role. The first message of a table has <see cref="DoorMessage.FirstFlag"/>, the last <see cref="DoorMessage.LastFlag"/>; see
    /// <see cref="DoorKeys"/>.
    /// </summary>
    Keys = 4,

    /// <summary>Node: how an answer begins: status (u16), with <see cref="DoorMessage.ProvenFlag"/> and <see cref="DoorMessage.StreamFlag"/>.</summary>
    Begin = 5,

    /// <summary>Node: a part of an answer.</summary>
    Piece = 6,

    /// <summary>Node: the end of an answer; with <see cref="DoorMessage.CutFlag"/> it is not whole.</summary>
    End = 7,

    /// <summary>
    /// Door: the connection of an asker whose answer began with <see cref="DoorMessage.HandFlag"/>, a descriptor beside. The door has closed its own; the node
    /// answers on it, and with <see cref="End"/> here.
    /// </summary>
    Hand = 8,
}

/// <summary>The head of every message: verb, flags, two zero bytes, and the number (little-endian) of the request it is about, which the door chose.</summary>
public readonly record struct DoorMessage(DoorVerb Verb, byte Flags, uint Id)
{
    /// <summary>Bytes of the head.</summary>
    public const int HeadBytes = 8;

    /// <summary>With Ask: the envelope is in the file beside.</summary>
    public const byte BesideFlag = 1;

    /// <summary>With Ask: the asker wants a session, and its connection can be handed over.</summary>
    public const byte SessionFlag = 2;

    /// <summary>With Begin: the asker gets a session; hand its connection over.</summary>
    public const byte HandFlag = 4;

    /// <summary>With Keys: a new table begins.</summary>
    public const byte FirstFlag = 1;

    /// <summary>With Keys: the table is whole.</summary>
    public const byte LastFlag = 2;

    /// <summary>With Begin: the message was its sender's, and new.</summary>
    public const byte ProvenFlag = 1;

    /// <summary>With Begin: the answer may last for ever.</summary>
    public const byte StreamFlag = 2;

    /// <summary>With End: something went wrong.</summary>
    public const byte CutFlag = 1;

    /// <summary>Whether a flag is set.</summary>
    public bool Has(byte flag) => (Flags & flag) != 0;

    /// <summary>A whole message.</summary>
    public byte[] With(ReadOnlySpan<byte> body)
    {
        byte[] message = new byte[HeadBytes + body.Length];
        (message[0], message[1]) = ((byte)Verb, Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), Id);
        body.CopyTo(message.AsSpan(HeadBytes));
        return message;
    }

    /// <summary>A whole message whose body is one number.</summary>
    public byte[] With(uint number)
    {
        Span<byte> body = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(body, number);
        return With(body);
    }

    /// <summary>Reads the head; false unless it is one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out DoorMessage head, out ReadOnlySpan<byte> body)
    {
        head = default;
        body = default;
        if (message.Length < HeadBytes || message[0] is < (byte)DoorVerb.Ask or > (byte)DoorVerb.Hand || message[2] != 0 || message[3] != 0)
            return false;
        head = new DoorMessage((DoorVerb)message[0], message[1], BinaryPrimitives.ReadUInt32LittleEndian(message[4..]));
        body = message[HeadBytes..];
        return true;
    }

    /// <summary>Reads a body that is one number.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> body, out uint number)
    {
        number = body.Length == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(body) : 0;
        return body.Length == 4;
    }
}
