using System.Globalization;
using System.Text;

namespace ZeroOS.Formats.Tar;

/// <summary>
/// Writes an archive front to back: ustar, with a pax header before an entry that needs one (long names, large files and numbers). Times are whole seconds;
/// extended attributes are left out. Names are those of <see cref="TarEntry"/>: bytes.
/// </summary>
/// <param name="write">Takes the bytes, in order.</param>
public sealed class TarWriter(Action<ReadOnlySpan<byte>> write)
{
    private const int NameBytes = 100;
    private const long MaxOctal7 = (1L << 21) - 1, MaxOctal11 = (1L << 33) - 1;

    private readonly byte[] _block = new byte[TarHeader.BlockSize];
    private long _unwritten;
    private int _padding;

    /// <summary>
    /// Writes the head of an entry. That of a file is followed by exactly <see cref="TarEntry.Size"/> bytes through <see cref="Write"/>; nothing else has data.
    /// </summary>
    /// <exception cref="InvalidOperationException">A fault of ours: bytes of the entry before are missing, or it is a device.</exception>
    public void Begin(TarEntry entry)
    {
        if (_unwritten > 0)
            throw new InvalidOperationException($"{_unwritten} bytes of the entry before are missing");
        string name = NameOf(entry);
        long size = entry.Type == TarEntryType.File ? entry.Size : 0;
        byte[] pax = Pax(entry, name, size);
        if (pax.Length > 0)
        {
            WriteHead("PaxHeaders/" + name, 'x', "", 0x1A4, 0, 0, pax.Length, 0);
            write(pax);
            Pad(pax.Length);
        }
        WriteHead(name, TypeOf(entry.Type), entry.LinkTarget, entry.Mode, entry.Uid, entry.Gid, size, entry.MtimeSeconds);
        _unwritten = size;
        _padding = (int)(-size & (TarHeader.BlockSize - 1));
    }

    /// <summary>Writes bytes of the file that was begun.</summary>
    /// <exception cref="InvalidOperationException">A fault of ours: it has not so many.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (data.Length > _unwritten)
            throw new InvalidOperationException($"{data.Length} bytes where {_unwritten} are missing");
        write(data);
        _unwritten -= data.Length;
        if (_unwritten > 0 || _padding == 0)
            return;
        Pad(-_padding);
        _padding = 0;
    }

    /// <summary>Writes the two blocks that end an archive.</summary>
    public void End()
    {
        _block.AsSpan().Clear();
        write(_block);
        write(_block);
    }

    private static string NameOf(TarEntry entry) => entry.Type != TarEntryType.Directory ? entry.Path : entry.Path.Length == 0 ? "./" : entry.Path + "/";

    private static char TypeOf(TarEntryType type) => type switch
    {
        TarEntryType.File => '0',
        TarEntryType.HardLink => '1',
        TarEntryType.SymbolicLink => '2',
        TarEntryType.Directory => '5',
        TarEntryType.Fifo => '6',
        _ => throw new InvalidOperationException($"{type} is not written"),
    };

    private static byte[] Pax(TarEntry entry, string name, long size)
    {
        using MemoryStream records = new();
        if (name.Length > NameBytes)
            Add(records, "path", name);
        if (entry.LinkTarget.Length > NameBytes)
            Add(records, "linkpath", entry.LinkTarget);
        AddNumber(records, "size", size, MaxOctal11);
        AddNumber(records, "uid", entry.Uid, MaxOctal7);
        AddNumber(records, "gid", entry.Gid, MaxOctal7);
        AddNumber(records, "mtime", entry.MtimeSeconds, MaxOctal11);
        return records.ToArray();
    }

    private static void AddNumber(MemoryStream records, string key, long value, long most)
    {
        if (value < 0 || value > most)
            Add(records, key, value.ToString(CultureInfo.InvariantCulture));
    }

    // "length key=value\n", where the length counts its own digits.
    private static void Add(MemoryStream records, string key, string value)
    {
        int rest = key.Length + value.Length + 3, length = rest + 1;
        while (rest + Digits(length) != length)
            length = rest + Digits(length);
        records.Write(Encoding.Latin1.GetBytes($"{length} {key}={value}\n"));

        static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;
    }

    private void WriteHead(string name, char type, string link, int mode, uint uid, uint gid, long size, long mtime)
    {
        Span<byte> block = _block;
        block.Clear();
        Text(block[..NameBytes], name);
        Octal(block.Slice(100, 8), mode);
        Octal(block.Slice(108, 8), uid);
        Octal(block.Slice(116, 8), gid);
        Octal(block.Slice(124, 12), size);
        Octal(block.Slice(136, 12), mtime);
        block.Slice(148, 8).Fill((byte)' ');
        block[156] = (byte)type;
        Text(block.Slice(157, NameBytes), link);
        "ustar\000"u8.CopyTo(block[257..]);
        int sum = 0;
        foreach (byte b in block)
            sum += b;
        Octal(block.Slice(148, 7), sum);
        block[154] = 0;
        write(block);
    }

    // What does not fit stands in the pax header.
    private static void Text(Span<byte> field, string text) => Encoding.Latin1.GetBytes(text.AsSpan(0, Math.Min(text.Length, field.Length)), field);

    private static void Octal(Span<byte> field, long value)
    {
        long digits = value < 0 || value >= 1L << (3 * (field.Length - 1)) ? 0 : value;
        for (int i = field.Length - 2; i >= 0; i--, digits >>= 3)
            field[i] = (byte)('0' + (digits & 7));
    }

    private void Pad(long written)
    {
        _block.AsSpan().Clear();
        write(_block.AsSpan(0, (int)(-written & (TarHeader.BlockSize - 1))));
    }
}
