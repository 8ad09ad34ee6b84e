using System.Text;
using System.Text.Unicode;

namespace ZeroOS.Linux;

/// <summary>
/// Names of files as strings and back. Linux names are bytes, and nearly all are UTF-8; each byte that is none becomes a lone surrogate from U+DC80 to
/// U+DCFF, which no UTF-8 text has (as Python's "surrogateescape", PEP 383). So every name survives the way into a string and back.
/// </summary>
public static class PathText
{
    private const char First = '\uDC80', Last = '\uDCFF';
    private const int Base = 0xDC00;

    /// <summary>The string of a name.</summary>
    public static string FromBytes(ReadOnlySpan<byte> name)
    {
        if (Utf8.IsValid(name))
            return Encoding.UTF8.GetString(name);
        StringBuilder text = new(name.Length);
        while (!name.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(name, out Rune rune, out int used) == System.Buffers.OperationStatus.Done;
            if (valid)
                text.Append(rune.ToString());
            for (int i = 0; !valid && i < used; i++)
                text.Append((char)(Base + name[i]));
            name = name[used..];
        }
        return text.ToString();
    }

    /// <summary>The name as <see cref="OpenDirectory"/> has it: one byte a character (Latin-1).</summary>
    public static string Bytewise(string text) => Encoding.Latin1.GetString(ToBytes(text).AsSpan()[..^1]);

    /// <summary>The bytes of a name or path, with the NUL that ends it.</summary>
    public static byte[] ToBytes(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange(First, Last) < 0)
            return Encoding.UTF8.GetBytes(text + '\0');
        List<byte> bytes = new(text.Length + 1);
        for (int at = 0; at < text.Length;)
        {
            int escape = at;
            while (escape < text.Length && !IsEscape(text, escape))
                escape++;
            bytes.AddRange(Encoding.UTF8.GetBytes(text[at..escape]));
            if (escape < text.Length)
                bytes.Add((byte)(text[escape] - Base));
            at = escape + 1;
        }
        bytes.Add(0);
        return [.. bytes];
    }

    // The second half of a pair is a character's, not a byte's.
    private static bool IsEscape(string text, int at) => text[at] is >= First and <= Last && (at == 0 || !char.IsHighSurrogate(text[at - 1]));
}
