using System.Text;

namespace ZeroOS.Tests.Formats.Tar;

/// <summary>Writes archives field by field, right or wrong as the test wants them.</summary>
internal sealed class TarBytes
{
    private readonly MemoryStream _stream = new();

    public byte[] ToArray() => [.. _stream.ToArray(), .. new byte[1024]];

    /// <summary>Without the closing zero blocks.</summary>
    public byte[] ToArrayUnclosed() => _stream.ToArray();

    public TarBytes File(string path, string content, string mode = "0000644") => Add(path, '0', Encoding.Latin1.GetBytes(content), mode: mode);

    public TarBytes Directory(string path, string mode = "0000755") => Add(path, '5', [], mode: mode);

    public TarBytes HardLink(string path, string target) => Add(path, '1', [], link: target);

    public TarBytes SymbolicLink(string path, string target) => Add(path, '2', [], link: target);

    public TarBytes Add(string path, char type, byte[] data, string link = "", string mode = "0000644", string? size = null, Action<byte[]>? change = null)
    {
        var header = new byte[512];
        Put(header, 0, path);
        Put(header, 100, mode);
        Put(header, 108, "0000001");
        Put(header, 116, "0000002");
        Put(header, 124, size ?? Convert.ToString(data.Length, 8).PadLeft(11, '0'));
        Put(header, 136, "00000000144"); // 100
        header[156] = (byte)type;
        Put(header, 157, link);
        Put(header, 257, "ustar\0" + "00");
        change?.Invoke(header);
        Sum(header);
        _stream.Write(header);
        return Raw(data);
    }

    /// <summary>Bytes padded to whole blocks.</summary>
    public TarBytes Raw(byte[] data)
    {
        _stream.Write(data);
        _stream.Write(new byte[-data.Length & 511]);
        return this;
    }

    public TarBytes Pax(params (string Key, byte[] Value)[] records) => Add("PaxHeaders/x", 'x', Records(records));

    public TarBytes Pax(string key, string value) => Pax((key, Encoding.Latin1.GetBytes(value)));

    public static byte[] Records(params (string Key, byte[] Value)[] records)
    {
        var all = new MemoryStream();
        foreach ((string key, byte[] value) in records)
        {
            int rest = key.Length + value.Length + 3, length = rest + 1;
            while (length != rest + length.ToString().Length)
                length = rest + length.ToString().Length;
            all.Write(Encoding.Latin1.GetBytes($"{length} {key}="));
            all.Write(value);
            all.WriteByte((byte)'\n');
        }
        return all.ToArray();
    }

    public static void Put(byte[] header, int at, string text) => Encoding.Latin1.GetBytes(text).CopyTo(header, at);

    private static void Sum(byte[] header)
    {
        header.AsSpan(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte b in header)
            sum += b;
        Put(header, 148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ");
    }
}
