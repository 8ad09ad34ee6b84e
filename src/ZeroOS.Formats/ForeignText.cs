namespace ZeroOS.Formats;

/// <summary>
/// Text out of a file that somebody else made, safe to put into a message. The rule is HostileText's in ZeroOS.Linux, which this project does not see; a test
/// holds the two together.
/// </summary>
public static class ForeignText
{
    /// <summary>What stands for a character that is not shown.</summary>
    public const char Replacement = '?';

    /// <summary>
    /// The first <paramref name="max"/> characters on one line: control characters, line separators, characters that turn the reading direction and halves of
    /// surrogate pairs become <see cref="Replacement"/>.
    /// </summary>
    public static string Plain(string text, int max)
    {
        char[] plain = text.ToCharArray(0, Math.Min(text.Length, max));
        for (int at = 0; at < plain.Length; at++)
        {
            if (char.IsSurrogate(plain[at]) && at + 1 < plain.Length && char.IsSurrogatePair(plain[at], plain[at + 1]))
                at++;
            else if (!IsPlain(plain[at]))
                plain[at] = Replacement;
        }
        return new string(plain);
    }

    private static bool IsPlain(char c) => !char.IsControl(c) && !char.IsSurrogate(c)
        && c is not ('\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069'));
}
