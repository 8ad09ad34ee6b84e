namespace ZeroOS.Cli.Output;

/// <summary>Columns for people: each as wide as its longest cell, foreign text cleaned.</summary>
internal sealed class Table(params string[] head)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string?[] cells) => _rows.Add([.. cells.Select(Terminal.Clean)]);

    public void Write(TextWriter output)
    {
        string[][] all = [head, .. _rows];
        int[] widths = [.. head.Select((_, column) => all.Max(r => r[column].Length))];
        foreach (string[] row in all)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
