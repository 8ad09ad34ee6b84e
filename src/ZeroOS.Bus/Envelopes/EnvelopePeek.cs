using System.Diagnostics.CodeAnalysis;
using System.Text;

using ZeroOS.Bus.Keys;

namespace ZeroOS.Bus.Envelopes;

/// <summary>
/// Who an envelope claims to be from, before anything of it is parsed: limits are chosen by this text, and reading the envelope proves that it is the sender's.
/// </summary>
public static class EnvelopePeek
{
    private const string Space = " \t\r\n";

    /// <summary>
    /// Finds the text of the only key id: what follows the last <c>"keyid"</c>, 1 to 44 characters of base58. Costs one search through the bytes. False: no
    /// envelope with one signature, or one that spells the member with escapes, which no honest sender does.
    /// </summary>
    public static bool TrySender(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? keyId)
    {
        keyId = null;
        int at = utf8.LastIndexOf("\"keyid\""u8);
        if (at < 0)
            return false;
        ReadOnlySpan<byte> rest = Trim(utf8[(at + 7)..]);
        if (rest.IsEmpty || rest[0] != ':')
            return false;
        rest = Trim(rest[1..]);
        if (rest.IsEmpty || rest[0] != '"')
            return false;
        rest = rest[1..];
        int end = rest[..Math.Min(rest.Length, Base58.MaxChars + 1)].IndexOf((byte)'"');
        if (end <= 0 || rest[..end].ContainsAnyExceptInRange((byte)'1', (byte)'z'))
            return false;
        keyId = Encoding.ASCII.GetString(rest[..end]);
        return true;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> bytes)
    {
        int skip = 0;
        while (skip < bytes.Length && skip < 16 && Space.Contains((char)bytes[skip], StringComparison.Ordinal))
            skip++;
        return bytes[skip..];
    }
}
