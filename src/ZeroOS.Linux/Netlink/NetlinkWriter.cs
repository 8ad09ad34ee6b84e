using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Linux.Netlink;

/// <summary>
/// Builds netlink messages (netlink(7), RFC 3549): header, fixed part, attributes with nesting and padding to four bytes. Several messages make one batch.
/// </summary>
public sealed class NetlinkWriter
{
    /// <summary>Bytes of struct nlmsghdr.</summary>
    public const int HeaderBytes = 16;

    private const ushort Nested = 0x8000;
    private readonly List<int> _messages = [];
    private byte[] _buffer = new byte[512];

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>Where each message starts.</summary>
    internal IReadOnlyList<int> Messages => _messages;

    /// <summary>Everything written, message lengths filled in; sequence numbers are the socket's.</summary>
    public Span<byte> Bytes
    {
        get
        {
            EndMessage();
            return _buffer.AsSpan(0, Length);
        }
    }

    /// <summary>Starts the next message.</summary>
    public NetlinkWriter Begin(int type, NetlinkFlags flags)
    {
        EndMessage();
        _messages.Add(Length);
        Span<byte> header = Take(HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)flags);
        return this;
    }

    /// <summary>Appends the fixed part that follows a header (struct ifinfomsg, rtmsg, nfgenmsg), padded to four bytes.</summary>
    public NetlinkWriter Fixed(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Take(bytes.Length));
        return this;
    }

    /// <summary>An attribute of raw bytes.</summary>
    public NetlinkWriter Attribute(int type, ReadOnlySpan<byte> value)
    {
        int start = BeginAttribute(type);
        value.CopyTo(Take(value.Length, pad: false));
        EndAttribute(start);
        return this;
    }

    /// <summary>An attribute of 32 bits in this machine's byte order (rtnetlink).</summary>
    public NetlinkWriter U32(int type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>An attribute of 32 bits in network byte order (nftables).</summary>
    public NetlinkWriter U32Big(int type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>An attribute of 64 bits in network byte order (nftables).</summary>
    public NetlinkWriter U64Big(int type, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return Attribute(type, bytes);
    }

    /// <summary>An attribute that is text with a closing zero.</summary>
    public NetlinkWriter Text(int type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + '\0'));

    /// <summary>An attribute that holds what <paramref name="inside"/> writes.</summary>
    public NetlinkWriter Nest(int type, Action<NetlinkWriter> inside)
    {
        int start = BeginAttribute(type | Nested);
        inside(this);
        EndAttribute(start);
        return this;
    }

    private int BeginAttribute(int type)
    {
        int start = Length;
        BinaryPrimitives.WriteUInt16LittleEndian(Take(4)[2..], (ushort)type);
        return start;
    }

    private void EndAttribute(int start)
    {
        int length = Length - start;
        if (length > ushort.MaxValue)
            throw new InvalidOperationException($"netlink attribute of {length} bytes: 65535 fit");
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer.AsSpan(start), (ushort)length);
        Take((4 - (Length & 3)) & 3, pad: false);
    }

    private void EndMessage()
    {
        if (_messages.Count > 0)
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_messages[^1]), Length - _messages[^1]);
    }

    private Span<byte> Take(int bytes, bool pad = true)
    {
        int room = pad ? (bytes + 3) & ~3 : bytes;
        if (Length + room > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + room));
        Span<byte> taken = _buffer.AsSpan(Length, bytes);
        Length += room;
        return taken;
    }
}
