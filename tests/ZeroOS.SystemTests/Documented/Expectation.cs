namespace ZeroOS.SystemTests.Documented;

/// <summary>
/// What a page says a command prints, held against what it printed. <c>…</c> stands for any text within its line, a line that is only <c>…</c> for any
/// number of lines. White space at the end of a line does not count.
/// </summary>
internal static class Expectation
{
    private const char Anything = '…';

    /// <summary>Whether all of <paramref name="output"/> is as expected.</summary>
    public static bool Matches(string expected, string output) => Lines(Split(expected), Split(output));

    private static string[] Split(string text) => [.. text.ReplaceLineEndings("\n").TrimEnd().Split('\n').Select(l => l.TrimEnd())];

    private static bool Lines(ReadOnlySpan<string> expected, ReadOnlySpan<string> output)
    {
        if (expected.IsEmpty)
            return output.IsEmpty;
        if (expected[0].Trim() is not [Anything])
            return !output.IsEmpty && Line(expected[0], output[0]) && Lines(expected[1..], output[1..]);
        for (int skipped = 0; skipped <= output.Length; skipped++)
        {
            if (Lines(expected[1..], output[skipped..]))
                return true;
        }
        return false;
    }

    private static bool Line(string expected, string output)
    {
        string[] parts = expected.Split(Anything);
        if (parts.Length == 1)
            return expected == output;
        if (!output.StartsWith(parts[0], StringComparison.Ordinal))
            return false;
        int at = parts[0].Length;
        // Each part between two wildcards where it comes first: a later place would leave less for the rest.
        foreach (string part in parts[1..^1])
        {
            int found = output.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0)
                return false;
            at = found + part.Length;
        }
        return output.Length - at >= parts[^1].Length && output.EndsWith(parts[^1], StringComparison.Ordinal);
    }
}
