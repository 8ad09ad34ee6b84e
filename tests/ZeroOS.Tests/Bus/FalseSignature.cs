namespace ZeroOS.Tests.Bus;

/// <summary>Documents whose form is sound and whose last signature is false.</summary>
internal static class FalseSignature
{
    /// <summary>
    /// A copy of a JSON text, or of a file that holds one, in which one base64 digit of the last "sig" is another: JSON and base64 stay what they were.
    /// </summary>
    public static byte[] In(ReadOnlySpan<byte> document)
    {
        ReadOnlySpan<byte> member = "\"sig\":\""u8;
        int at = document.LastIndexOf(member) + member.Length;
        while (document[at] == '\\')
            at += "\\u002B".Length; // a plus sign, as JSON writes it
        byte[] changed = document.ToArray();
        changed[at] = changed[at] == 'A' ? (byte)'B' : (byte)'A';
        return changed;
    }
}
