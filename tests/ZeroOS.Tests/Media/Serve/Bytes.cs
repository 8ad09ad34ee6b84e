using System.Buffers.Binary;
using System.Net;
using System.Text;

using ZeroOS.Linux.Netlink;

namespace ZeroOS.Tests.Media.Serve;

/// <summary>Datagrams as firmware sends them.</summary>
internal static class Bytes
{
    public static readonly MacAddress Card = MacAddress.Parse("52:54:00:12:34:56");

    /// <summary>A question on the DHCP port. <paramref name="more"/> are options as code and value.</summary>
    public static byte[] Question(byte type, string vendorClass, ushort? architecture, params (byte Code, byte[] Value)[] more)
    {
        byte[] bytes = new byte[548];
        bytes[0] = bytes[1] = 1;
        bytes[2] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), 0x3903F326);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), 0x8000);
        Card.ToBytes().CopyTo(bytes, 28);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(236), 0x63825363);
        List<(byte Code, byte[] Value)> options = [(53, [type])];
        if (vendorClass.Length > 0)
            options.Add((60, Encoding.ASCII.GetBytes(vendorClass)));
        if (architecture is ushort a)
            options.Add((93, [(byte)(a >> 8), (byte)a]));
        int at = 240;
        foreach ((byte code, byte[] value) in options.Concat(more))
        {
            bytes[at++] = code;
            bytes[at++] = (byte)value.Length;
            value.CopyTo(bytes, at);
            at += value.Length;
        }
        bytes[at] = 255;
        return bytes;
    }

    /// <summary>The options of an answer.</summary>
    public static Dictionary<byte, byte[]> Options(byte[] answer)
    {
        Dictionary<byte, byte[]> options = [];
        for (int at = 240; answer[at] != 255; at += 2 + answer[at + 1])
            options.Add(answer[at], answer[(at + 2)..(at + 2 + answer[at + 1])]);
        return options;
    }

    /// <summary>The file an answer names in the field of BOOTP.</summary>
    public static string File(byte[] answer) => Encoding.ASCII.GetString(answer, 108, 128).TrimEnd('\0');

    /// <summary>The server an answer names in the field of BOOTP.</summary>
    public static IPAddress Server(byte[] answer) => new(answer.AsSpan(20, 4));

    /// <summary>A read request.</summary>
    public static byte[] Read(string file, params string[] options) =>
        [0, 1, .. Encoding.ASCII.GetBytes(string.Join('\0', [file, "octet", .. options])), 0];

    /// <summary>An acknowledgement.</summary>
    public static byte[] Acknowledge(long block) => [0, 4, (byte)(block >> 8), (byte)block];
}
