using System.Globalization;

namespace ZeroOS.Linux.Netlink;

/// <summary>An Ethernet address, 48 bits.</summary>
public readonly record struct MacAddress
{
    /// <summary>Its length in bytes.</summary>
    public const int Bytes = 6;

    private readonly ulong _value;

    /// <summary>From six bytes in wire order.</summary>
    public MacAddress(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes[..Bytes])
            _value = (_value << 8) | b;
    }

    /// <summary>The address of everybody on the link.</summary>
    public static MacAddress Broadcast { get; } = new([255, 255, 255, 255, 255, 255]);

    /// <summary>Reads "02:00:5e:10:00:01".</summary>
    public static MacAddress Parse(string text)
    {
        string[] parts = text.Split(':');
        byte[] bytes = new byte[Bytes];
        for (int i = 0; i < Bytes; i++)
        {
            if (parts.Length != Bytes || !byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[i]))
                throw new FormatException($"\"{text}\" is no Ethernet address: six pairs of hexadecimal digits with colons are");
        }
        return new MacAddress(bytes);
    }

    /// <summary>Six bytes in wire order.</summary>
    public byte[] ToBytes() => [(byte)(_value >> 40), (byte)(_value >> 32), (byte)(_value >> 24), (byte)(_value >> 16), (byte)(_value >> 8), (byte)_value];

    /// <summary>"02:00:5e:10:00:01".</summary>
    public override string ToString() => string.Join(':', ToBytes().Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
}
