using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Formats.Erofs;

/// <summary>The extended attributes of one inode in their form on the device: a 12-byte header, then entries padded to four bytes.</summary>
public sealed class ErofsXattrs
{
    private const int HeaderBytes = 12;
    private const int MaxBytes = HeaderBytes + (ushort.MaxValue - 1) * 4;

    private readonly byte[] _bytes;

    private ErofsXattrs(byte[] bytes) => _bytes = bytes;

    public static ErofsXattrs None { get; } = new([]);

    /// <summary>Bytes after the inode; 0 when there are none.</summary>
    public int Size => _bytes.Length;

    /// <summary>i_xattr_icount: the header counts one, every four bytes after it one more.</summary>
    internal ushort Count => Size == 0 ? (ushort)0 : (ushort)((Size - HeaderBytes) / 4 + 1);

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>True when Linux can show the attribute from this file system: user, trusted, security and the POSIX access lists.</summary>
    public static bool CanHold(string name) => Index(name, out _) != 0;

    /// <summary>Encodes the attributes in the order of their names; every name must be one <see cref="CanHold"/> is true for.</summary>
    /// <exception cref="ErofsException">A name or value is longer than the format allows, or they are too many.</exception>
    public static ErofsXattrs Encode(IEnumerable<KeyValuePair<string, byte[]>> attributes)
    {
        using var bytes = new MemoryStream();
        Span<byte> head = stackalloc byte[HeaderBytes];
        foreach ((string name, byte[] value) in attributes.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            if (bytes.Length == 0)
            {
                head.Clear();
                bytes.Write(head);
            }
            byte index = Index(name, out string suffix);
            if (index == 0 || suffix.Length > byte.MaxValue || value.Length > ushort.MaxValue)
                throw new ErofsException($"the extended attribute {name} ({value.Length} bytes) does not fit");
            head[0] = (byte)suffix.Length;
            head[1] = index;
            BinaryPrimitives.WriteUInt16LittleEndian(head[2..], (ushort)value.Length);
            bytes.Write(head[..4]);
            bytes.Write(Encoding.Latin1.GetBytes(suffix));
            bytes.Write(value);
            while (bytes.Length % 4 != 0)
                bytes.WriteByte(0);
            if (bytes.Length > MaxBytes)
                throw new ErofsException($"the extended attributes of one file are over {MaxBytes} bytes");
        }
        return bytes.Length == 0 ? None : new ErofsXattrs(bytes.ToArray());
    }

    private static byte Index(string name, out string suffix)
    {
        suffix = "";
        switch (name)
        {
            case "system.posix_acl_access":
                return 2;
            case "system.posix_acl_default":
                return 3;
        }
        int dot = name.IndexOf('.') + 1;
        suffix = name[dot..];
        byte index = name[..dot] switch
        {
            "user." => 1,
            "trusted." => 4,
            "security." => 6,
            _ => 0,
        };
        return suffix.Length == 0 ? (byte)0 : index;
    }
}
