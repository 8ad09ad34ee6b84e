using System.Buffers.Text;
using System.Text;

namespace ZeroOS.Formats.Tar;

/// <summary>
/// The records of a pax extended header: `length key=value\n`, where the value may be any bytes (POSIX.1 pax, with star's and libarchive's keys).
/// </summary>
internal sealed class PaxRecords
{
    private const string SchilyXattr = "SCHILY.xattr.";
    private const string LibarchiveXattr = "LIBARCHIVE.xattr.";

    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);

    /// <summary>Offsets and lengths of GNU sparse 0.0, the one place where a key may come again and again.</summary>
    internal List<long> SparsePairs { get; } = [];

    internal bool Has(string key) => _values.ContainsKey(key);

    /// <summary>Reads the records of one header on top of those already there.</summary>
    /// <exception cref="TarException">A record whose length, separator or end is wrong.</exception>
    internal void Add(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            // The padding of some writers is counted into the size.
            if (data[0] == 0 && !data.ContainsAnyExcept((byte)0))
                return;
            if (!Utf8Parser.TryParse(data, out int length, out int digits) || digits == 0 || data[0] is < (byte)'0' or > (byte)'9'
                || digits >= data.Length || data[digits] != ' ' || length <= digits + 1 || length > data.Length || data[length - 1] != '\n')
                throw new TarException("a pax record with a wrong length");
            ReadOnlySpan<byte> record = data[(digits + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals <= 0)
                throw new TarException("a pax record without a key");
            Set(Encoding.Latin1.GetString(record[..equals]), record[(equals + 1)..]);
            data = data[length..];
        }
    }

    internal void CopyFrom(PaxRecords global)
    {
        foreach ((string key, byte[] value) in global._values)
            _values[key] = value;
    }

    /// <summary>A text value, or null when it is absent or empty (an empty value takes a global one back).</summary>
    internal string? Text(string key) => _values.TryGetValue(key, out byte[]? value) && value.Length > 0 ? Encoding.Latin1.GetString(value) : null;

    internal long? Number(string key)
    {
        if (!_values.TryGetValue(key, out byte[]? value) || value.Length == 0)
            return null;
        return ParseNumber(value, key);
    }

    /// <summary>Seconds with an optional fraction; the fraction of a negative time counts away from zero in the file and forward here.</summary>
    internal (long Seconds, uint Nanoseconds)? Time(string key)
    {
        if (!_values.TryGetValue(key, out byte[]? value) || value.Length == 0)
            return null;
        ReadOnlySpan<byte> text = value;
        bool negative = text[0] == '-';
        if (negative)
            text = text[1..];
        int dot = text.IndexOf((byte)'.');
        long seconds = ParseNumber(dot < 0 ? text : text[..dot], key);
        uint nanoseconds = 0, scale = 100_000_000;
        foreach (byte b in dot < 0 ? default : text[(dot + 1)..])
        {
            if (b is < (byte)'0' or > (byte)'9')
                throw new TarException($"the pax value of {key} is not a time");
            nanoseconds += (uint)(b - '0') * scale;
            scale /= 10;
        }
        if (!negative)
            return (seconds, nanoseconds);
        return nanoseconds == 0 ? (-seconds, 0) : (-seconds - 1, 1_000_000_000 - nanoseconds);
    }

    /// <summary>The extended attributes, as full names and bytes.</summary>
    internal Dictionary<string, byte[]> Xattrs()
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach ((string key, byte[] value) in _values)
        {
            // libarchive writes both forms of the same attribute; star's is plain bytes and wins.
            if (key.StartsWith(LibarchiveXattr, StringComparison.Ordinal))
                found.TryAdd(Unescape(key[LibarchiveXattr.Length..]), FromBase64(value, key));
            else if (key.StartsWith(SchilyXattr, StringComparison.Ordinal) && key.Length > SchilyXattr.Length)
                found[key[SchilyXattr.Length..]] = value;
        }
        return found;
    }

    private void Set(string key, ReadOnlySpan<byte> value)
    {
        if (key is "GNU.sparse.offset" or "GNU.sparse.numbytes")
            SparsePairs.Add(ParseNumber(value, key));
        else
            _values[key] = value.ToArray();
    }

    private static long ParseNumber(ReadOnlySpan<byte> text, string key) =>
        text.Length > 0 && text[0] is >= (byte)'0' and <= (byte)'9' && Utf8Parser.TryParse(text, out long value, out int used) && used == text.Length
            ? value
            : throw new TarException($"the pax value of {TarPath.Printable(key)} is not a number");

    private static byte[] FromBase64(byte[] value, string key)
    {
        var padded = new byte[(value.Length + 3) / 4 * 4];
        padded.AsSpan().Fill((byte)'=');
        value.CopyTo(padded, 0);
        var plain = new byte[padded.Length];
        if (Base64.DecodeFromUtf8(padded, plain, out _, out int written) != System.Buffers.OperationStatus.Done)
            throw new TarException($"the pax value of {TarPath.Printable(key)} is not base64");
        return plain[..written];
    }

    private static string Unescape(string name)
    {
        if (!name.Contains('%'))
            return name;
        var plain = new StringBuilder(name.Length);
        for (int i = 0; i < name.Length; i++)
        {
            if (name[i] == '%' && i + 2 < name.Length && char.IsAsciiHexDigit(name[i + 1]) && char.IsAsciiHexDigit(name[i + 2]))
            {
                plain.Append((char)Convert.FromHexString(name.AsSpan(i + 1, 2))[0]);
                i += 2;
            }
            else
                plain.Append(name[i]);
        }
        return plain.ToString();
    }
}
