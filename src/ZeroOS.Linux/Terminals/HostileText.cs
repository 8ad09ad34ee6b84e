namespace ZeroOS.Linux;

/// <summary>Text that somebody else wrote (a guest, a registry, a peer, a disk), made safe to log, to store and to show.</summary>
public static class HostileText
{
    /// <summary>What stands for a character that is not shown.</summary>
    public const char Replacement = '?';

    /// <summary>
    /// The first <paramref name="max"/> characters on one line: control characters, line separators, characters that turn the reading direction and halves of
    /// surrogate pairs become <see cref="Replacement"/>. Null is the empty text.
    /// </summary>
    public static string Plain(string? text, int max)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        return string.Create(Math.Min(text.Length, max), text, static (plain, source) =>
        {
            for (int i = 0; i < plain.Length; i++)
                plain[i] = IsPlain(source, i, plain.Length) ? source[i] : Replacement;
        });
    }

    private static bool IsPlain(string text, int at, int end)
    {
        char c = text[at];
        if (char.IsHighSurrogate(c))
            return at + 1 < end && char.IsLowSurrogate(text[at + 1]);
        if (char.IsLowSurrogate(c))
            return at > 0 && char.IsHighSurrogate(text[at - 1]);
        return !char.IsControl(c) && !TurnsDirection(c) && c is not ('\u2028' or '\u2029');
    }

    // Marks, embeddings, overrides and isolates (Unicode Standard Annex 9).
    private static bool TurnsDirection(char c) => c is '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
