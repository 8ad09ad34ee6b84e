using System.Text.RegularExpressions;

namespace ZeroOS.SystemTests.Documented;

/// <summary>
/// A page of docs/ as a test reads it. <c>```sh run=ID</c> opens commands to run, <c>```text expect=ID</c> what they print; everything else on it is for
/// people.
/// </summary>
internal static partial class Page
{
    /// <summary>The blocks of a Markdown text, in its order.</summary>
    /// <exception cref="FormatException">A name that is used twice, an expectation without its commands, or a fence that nothing closes.</exception>
    public static IReadOnlyList<Block> Read(string markdown)
    {
        List<Block> blocks = [];
        string[] lines = markdown.ReplaceLineEndings("\n").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (Fence().Match(lines[i]) is not { Success: true } fence)
                continue;
            int begin = i + 1;
            string text = Body(lines, ref i, fence.Groups["indent"].Length, fence.Groups["fence"].Value);
            if (Mark().Match(fence.Groups["info"].Value) is not { Success: true } mark)
                continue;
            string id = mark.Groups["id"].Value;
            int known = blocks.FindIndex(b => b.Id == id);
            if (mark.Groups["kind"].Value == "run")
                blocks.Add(known < 0 ? new Block(id, begin, text, null) : throw new FormatException($"line {begin}: run={id} is there twice"));
            else if (known < 0)
                throw new FormatException($"line {begin}: expect={id} comes before any run={id}");
            else
                blocks[known] = blocks[known].Expected is null ? blocks[known] with { Expected = text }
                    : throw new FormatException($"line {begin}: expect={id} is there twice");
        }
        return blocks;
    }

    /// <summary>The text up to the closing fence: of the same sign, at least as long. In a list a block is indented, and so is each of its lines.</summary>
    private static string Body(string[] lines, ref int at, int indent, string fence)
    {
        List<string> body = [];
        int begin = at;
        while (++at < lines.Length)
        {
            string line = lines[at].TrimEnd(), inner = line.TrimStart();
            if (inner.Length >= fence.Length && inner.All(c => c == fence[0]))
                return string.Concat(body.Select(l => l + "\n"));
            body.Add(line[Math.Min(indent, line.Length - inner.Length)..]);
        }
        throw new FormatException($"line {begin + 1}: nothing closes this block");
    }

    [GeneratedRegex("^(?<indent> *)(?<fence>`{3,}|~{3,})(?<info>[^`]*)$")]
    private static partial Regex Fence();

    [GeneratedRegex("(?:^| )(?<kind>run|expect)=(?<id>[a-z0-9-]+)(?: |$)")]
    private static partial Regex Mark();
}
