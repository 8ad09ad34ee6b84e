namespace ZeroOS.Bus.Json;

/// <summary>Base64 (RFC 4648, section 4) of which every value has one text: padded, no white space, no stray bits.</summary>
public static class CanonicalBase64
{
    /// <summary>Decodes; false unless encoding the result gives the same text again. An empty array then.</summary>
    public static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length % 4 != 0)
            return false;
        byte[] buffer = new byte[text.Length / 4 * 3];
        if (!Convert.TryFromBase64String(text, buffer, out int written))
            return false;
        Array.Resize(ref buffer, written);
        if (!string.Equals(Convert.ToBase64String(buffer), text, StringComparison.Ordinal))
            return false;
        bytes = buffer;
        return true;
    }

    /// <summary>As above, and exactly <paramref name="length"/> bytes.</summary>
    public static bool TryDecode(string text, int length, out byte[] bytes)
    {
        if (text.Length == (length + 2) / 3 * 4 && TryDecode(text, out bytes) && bytes.Length == length)
            return true;
        bytes = [];
        return false;
    }
}
