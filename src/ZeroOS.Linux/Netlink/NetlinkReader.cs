using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Linux.Netlink;

/// <summary>One netlink message as it came: header fields and what follows the header.</summary>
public readonly ref struct NetlinkMessage
{
    /// <summary>Message type.</summary>
    public ushort Type { get; init; }

    /// <summary>Message flags.</summary>
    public NetlinkFlags Flags { get; init; }

    /// <summary>Sequence number of the request it answers, 0 for an event.</summary>
    public uint Sequence { get; init; }

    /// <summary>What follows the header.</summary>
    public ReadOnlySpan<byte> Body { get; init; }
}

/// <summary>Walks the messages of one datagram; stops at the first that does not fit, and never throws.</summary>
public ref struct NetlinkReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    /// <summary>The next message, if there is a whole one.</summary>
    public bool TryNext(out NetlinkMessage message)
    {
        message = default;
        if (_rest.Length < NetlinkWriter.HeaderBytes)
            return false;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(_rest);
        if (length < NetlinkWriter.HeaderBytes || length > (uint)_rest.Length)
            return false;
        message = new NetlinkMessage
        {
            Type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[4..]),
            Flags = (NetlinkFlags)BinaryPrimitives.ReadUInt16LittleEndian(_rest[6..]),
            Sequence = BinaryPrimitives.ReadUInt32LittleEndian(_rest[8..]),
            Body = _rest[NetlinkWriter.HeaderBytes..(int)length],
        };
        _rest = _rest[Math.Min(_rest.Length, ((int)length + 3) & ~3)..];
        return true;
    }
}

/// <summary>Walks attributes; stops at the first that does not fit, and never throws.</summary>
public ref struct AttributeReader(ReadOnlySpan<byte> attributes)
{
    private const int TypeMask = 0x3fff;
    private ReadOnlySpan<byte> _rest = attributes;

    /// <summary>The next attribute, if there is a whole one. The nested and byte-order bits are taken off its type.</summary>
    public bool TryNext(out int type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (_rest.Length < 4)
            return false;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < 4 || length > _rest.Length)
            return false;
        type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & TypeMask;
        value = _rest[4..length];
        _rest = _rest[Math.Min(_rest.Length, (length + 3) & ~3)..];
        return true;
    }

    /// <summary>A 32-bit value, or 0 if the attribute is too short.</summary>
    public static uint U32(ReadOnlySpan<byte> value) => value.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(value) : 0;

    /// <summary>Text up to its closing zero.</summary>
    public static string Text(ReadOnlySpan<byte> value)
    {
        int end = value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? value : value[..end]);
    }
}
