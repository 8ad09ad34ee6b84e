using System.Text;

namespace ZeroOS.Formats.Tar;

/// <summary>One 512-byte header block (POSIX.1 ustar, with the GNU and star ways of writing large numbers).</summary>
internal readonly ref struct TarHeader
{
    internal const int BlockSize = 512;

    private readonly ReadOnlySpan<byte> _block;

    internal TarHeader(ReadOnlySpan<byte> block) => _block = block[..BlockSize];

    internal ReadOnlySpan<byte> Block => _block;

    internal bool IsZero => !_block.ContainsAnyExcept((byte)0);

    internal byte TypeFlag => _block[156];

    internal string LinkName => Text(_block.Slice(157, 100));

    internal long Size => Number(_block.Slice(124, 12), "size");

    internal long Mtime => Number(_block.Slice(136, 12), "mtime");

    internal int Mode => (int)(Number(_block.Slice(100, 8), "mode") & 0xFFF);

    internal long Uid => Number(_block.Slice(108, 8), "uid");

    internal long Gid => Number(_block.Slice(116, 8), "gid");

    internal long DeviceMajor => Number(_block.Slice(329, 8), "devmajor");

    internal long DeviceMinor => Number(_block.Slice(337, 8), "devminor");

    /// <summary>GNU's own format keeps other fields where ustar keeps the name prefix.</summary>
    private bool IsUstar => _block.Slice(257, 6).SequenceEqual("ustar\0"u8);

    internal string Name
    {
        get
        {
            string name = Text(_block[..100]);
            string prefix = IsUstar ? Text(_block.Slice(345, 155)) : "";
            return prefix.Length == 0 ? name : prefix + "/" + name;
        }
    }

    /// <summary>True when the stored sum is the sum of the block with the sum field as blanks; old tars summed signed bytes.</summary>
    internal bool ChecksumIsRight()
    {
        if (!TryNumber(_block.Slice(148, 8), out long stored))
            return false;
        long unsigned = 8 * ' ', signed = unsigned;
        for (int i = 0; i < BlockSize; i++)
        {
            if (i is >= 148 and < 156)
                continue;
            unsigned += _block[i];
            signed += (sbyte)_block[i];
        }
        return stored == unsigned || stored == signed;
    }

    /// <summary>A field as text up to its NUL, one character a byte.</summary>
    internal static string Text(ReadOnlySpan<byte> field)
    {
        int end = field.IndexOf((byte)0);
        return Encoding.Latin1.GetString(end < 0 ? field : field[..end]);
    }

    internal static long Number(ReadOnlySpan<byte> field, string what) =>
        TryNumber(field, out long value) ? value : throw new TarException($"the {what} field of a header is not a number");

    /// <summary>Octal digits between blanks and NULs, or base 256 when the first bit is set (GNU; negative when the second is set too).</summary>
    private static bool TryNumber(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        if (field[0] >= 0x80)
        {
            bool negative = (field[0] & 0x40) != 0;
            UInt128 bits = negative ? UInt128.MaxValue << 6 | (uint)(field[0] & 0x3F) : (uint)(field[0] & 0x3F);
            foreach (byte b in field[1..])
                bits = bits << 8 | b;
            var wide = (Int128)bits;
            value = (long)wide;
            return wide == value;
        }
        ReadOnlySpan<byte> digits = field.Trim(" \0"u8);
        foreach (byte b in digits)
        {
            if (b is < (byte)'0' or > (byte)'7' || value > long.MaxValue >> 3)
                return false;
            value = value << 3 | (uint)(b - '0');
        }
        return true;
    }
}
