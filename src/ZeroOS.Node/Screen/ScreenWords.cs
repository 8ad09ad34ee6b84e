using System.Globalization;

namespace ZeroOS.Node.Screen;

/// <summary>Amounts and sentences as a screen has room for them.</summary>
internal static class ScreenWords
{
    /// <summary>Bytes as MiB, GiB or TiB.</summary>
    internal static string Size(long bytes) => bytes switch
    {
        < 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB"),
        < 1L << 40 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F1} GiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 40):F1} TiB"),
    };

    /// <summary>As many of the words as fit, and how many do not.</summary>
    internal static string List(IReadOnlyList<string> words, int width)
    {
        string text = words.Count == 0 ? "none" : words[0];
        for (int i = 1; i < words.Count; i++)
        {
            string more = i + 1 < words.Count ? $" +{words.Count - i - 1}" : "";
            if (text.Length + 2 + words[i].Length + more.Length > width)
                return $"{text} +{words.Count - i}";
            text += $", {words[i]}";
        }
        return text;
    }

    /// <summary>Lines of at most <paramref name="width"/> characters, broken at spaces where there are any.</summary>
    internal static IReadOnlyList<string> Wrap(string text, int width)
    {
        const int MostLines = 16;
        List<string> lines = [];
        width = Math.Max(width, 8);
        string rest = text.Trim();
        while (rest.Length > width && lines.Count < MostLines)
        {
            int at = rest.LastIndexOf(' ', width);
            lines.Add(rest[..(at > 0 ? at : width)].TrimEnd());
            rest = rest[(at > 0 ? at : width)..].TrimStart();
        }
        if (rest.Length > 0 && lines.Count < MostLines)
            lines.Add(rest);
        return lines;
    }
}
