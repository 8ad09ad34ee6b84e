using System.Text;

using ZeroOS.Contracts.Bus;
using ZeroOS.Formats.Qr;
using ZeroOS.Linux;

namespace ZeroOS.Node.Screen;

/// <summary>
/// Where what is said stands on a screen of any size: a title, who the node is, and below it what is missing, what is used, cards and disks; the QR code
/// of the node's id on the right. What does not fit is counted below; first disks and cards fall out, last what is missing.
/// </summary>
internal sealed class ScreenLayout
{
    private const int HeaderRows = 4, LabelWidth = 10, LeastTextWidth = 40, WholeIdWidth = LabelWidth + 46;
    private readonly ScreenFacts _facts;
    private readonly ScreenPage _page;
    private readonly QrCode? _code;
    private readonly int _codeRow, _codeColumn, _quiet;
    private int _hidden;

    private ScreenLayout(ScreenFacts facts, int rows, int columns)
    {
        _facts = facts;
        _page = new ScreenPage(rows, columns);
        if (facts.NodeId is not { Length: > 0 and <= QrCode.MaxBytes } id)
            return;
        QrCode code = QrCode.Encode(Encoding.UTF8.GetBytes(id));
        // The standard wants four light modules around a code; readers make do with two where a screen is small.
        foreach (int quiet in (ReadOnlySpan<int>)[4, 2])
        {
            int width = code.Size + (2 * quiet), height = (width + 1) / 2;
            bool beside = columns - width - 1 >= WholeIdWidth;
            int row = beside ? 1 : 1 + HeaderRows;
            if (row + height + 1 <= rows && columns - width - 1 >= LeastTextWidth)
            {
                (_code, _codeRow, _codeColumn, _quiet) = (code, row, columns - width, quiet);
                return;
            }
        }
    }

    /// <summary>The page for a screen of that size.</summary>
    internal static ScreenPage Compose(ScreenFacts facts, int rows, int columns)
    {
        ScreenLayout layout = new(facts, rows, columns);
        layout.Title();
        layout.Header();
        layout.Body();
        layout.Code();
        layout.Footer();
        return layout._page;
    }

    private void Title()
    {
        for (int column = 0; column < _page.Columns; column++)
            _page.Put(0, column, (byte)' ', ScreenStyle.Title);
        string digest = _facts.ImageDigest.StartsWith("sha256:", StringComparison.Ordinal) ? _facts.ImageDigest[7..] : _facts.ImageDigest;
        int end = _page.Put(0, 1, $"ZeroOS {_facts.Version}  {Cut(digest, 12)}", ScreenStyle.Title);
        if (_facts.Name.Length > 0)
            end = _page.Put(0, end + 2, Cut(_facts.Name, 24), ScreenStyle.Title);
        string time = $"{_facts.Now.UtcDateTime:yyyy-MM-dd HH:mm} UTC{(_facts.ClockSynced ? "" : "?")}";
        if (end + 2 + time.Length < _page.Columns)
            _page.Put(0, _page.Columns - 1 - time.Length, time, ScreenStyle.Title);
    }

    private void Header()
    {
        int width = WidthAt(1);
        Put(1, new ScreenLine("node id", _facts.NodeId ?? "not yet", ScreenStyle.Normal), width);
        Put(2, new ScreenLine("farm", _facts.Farm ?? "none", ScreenStyle.Normal), width);
        Put(3, new ScreenLine("address", ScreenWords.List(_facts.Addresses, width - LabelWidth), ScreenStyle.Normal), width);
        bool well = _facts.Ready && _facts.Conditions.All(c => c.Ok);
        Put(4, new ScreenLine("state", _facts.Stage, well ? ScreenStyle.Good : ScreenStyle.Normal), width);
    }

    private void Body()
    {
        const int First = 6;
        int rows = _page.Rows - 1 - First, width = WidthAt(First);
        List<ScreenLine> missing = [.. _facts.Conditions.Where(c => !c.Ok).SelectMany(c => Missing(c, width))];
        List<ScreenLine> usage = [.. Usage()];
        List<ScreenLine> cards = [.. _facts.Cards.SelectMany(c => Card(c, width))];
        List<ScreenLine> disks = [.. _facts.Disks.SelectMany(d => Disk(d, width))];
        Shorten(missing, rows);
        Shorten(usage, rows - missing.Count);
        int left = rows - missing.Count - usage.Count;
        Shorten(cards, Math.Max(left - disks.Count, (left + 1) / 2));
        Shorten(disks, left - cards.Count);
        List<List<ScreenLine>> blocks = [.. new[] { missing, usage, cards, disks }.Where(b => b.Count > 0)];
        bool roomy = blocks.Sum(b => b.Count) + blocks.Count - 1 <= rows;
        int row = First;
        foreach (List<ScreenLine> block in blocks)
        {
            foreach (ScreenLine line in block)
                Put(row++, line, width);
            row += roomy ? 1 : 0;
        }
    }

    private static IEnumerable<ScreenLine> Missing(NodeCondition condition, int width)
    {
        string label = condition.Name;
        foreach (string line in ScreenWords.Wrap(condition.Message ?? condition.Reason ?? "not well", width - LabelWidth))
        {
            yield return new ScreenLine(label, line, ScreenStyle.Trouble);
            label = "";
        }
    }

    private IEnumerable<ScreenLine> Usage()
    {
        if (_facts.Tier is { } tier)
            yield return new ScreenLine("tier", tier, ScreenStyle.Normal);
        if (_facts.Usage is not { } use)
            yield break;
        yield return new ScreenLine("cpu", $"{use.CpuPercent} % of {use.Cpus}", ScreenStyle.Normal);
        yield return new ScreenLine("memory", $"{ScreenWords.Size(use.MemoryUsed)} of {ScreenWords.Size(use.MemoryTotal)}", ScreenStyle.Normal);
        yield return new ScreenLine("storage",
            $"{ScreenWords.Size(use.StorageUsed)} of {ScreenWords.Size(use.StorageTotal)}{(use.StorageIsMemory ? ", in memory" : "")}", ScreenStyle.Normal);
        yield return new ScreenLine("machines", $"{use.Machines} running", ScreenStyle.Normal);
    }

    private static IEnumerable<ScreenLine> Card(ScreenCard card, int width)
    {
        string state = !card.HasCarrier ? "no cable" : card.Addresses.Count > 0 ? "" : card.Dhcp is "stopped" ? "cable" : "asks for an address";
        yield return new ScreenLine("card", $"{Cut(card.Name, 15)} {card.Mac} {(state.Length <= 8 ? state : "")}", ScreenStyle.Normal);
        if (state.Length > 8)
            yield return new ScreenLine("", state, ScreenStyle.Normal);
        if (card.Addresses.Count > 0)
            yield return new ScreenLine("", ScreenWords.List(card.Addresses, width - LabelWidth), ScreenStyle.Normal);
    }

    private IEnumerable<ScreenLine> Disk(ScreenDisk disk, int width)
    {
        string why = disk.State switch
        {
            "ours" => "",
            "empty" when _facts.Farm is null => "nothing on it; taken when there are farm settings",
            _ => disk.Reason,
        };
        yield return new ScreenLine("disk", $"{Cut(disk.Name, 15)} {ScreenWords.Size(disk.SizeBytes)} {(disk.State == "ours" ? "in use" : disk.State)}",
            ScreenStyle.Normal);
        foreach (string line in new[] { why, disk.Remedy }.Where(w => w.Length > 0).SelectMany(w => ScreenWords.Wrap(w, width - LabelWidth)))
            yield return new ScreenLine("", line, ScreenStyle.Normal);
        string model = $"{Cut(disk.Model, 40)} {Cut(disk.Serial, 40)}".Trim();
        if (model.Length > 0)
            yield return new ScreenLine("", model, ScreenStyle.Normal);
    }

    /// <summary>Two modules a cell, one above the other, in the console's half blocks.</summary>
    private void Code()
    {
        if (_code is null)
            return;
        int side = _code.Size + (2 * _quiet);
        for (int row = 0; row < (side + 1) / 2; row++)
        {
            for (int column = 0; column < side; column++)
            {
                bool upper = _code[(2 * row) - _quiet, column - _quiet], lower = _code[(2 * row) + 1 - _quiet, column - _quiet];
                byte glyph = (upper, lower) switch
                {
                    (true, true) => Glyphs.Full,
                    (true, false) => Glyphs.Upper,
                    (false, true) => Glyphs.Lower,
                    _ => (byte)' '
                };
                _page.Put(_codeRow + row, _codeColumn + column, glyph, ScreenStyle.Code);
            }
        }
    }

    private void Footer()
    {
        string hidden = _hidden > 0 ? $"   ({_hidden} more lines)" : "";
        if (_page.Rows > 2)
            _page.Put(_page.Rows - 1, 1, $"F1 this page   F2 kernel log   Ctrl-Alt-Del restarts{hidden}", ScreenStyle.Label);
    }

    private int WidthAt(int row) => _code is null || row < _codeRow ? _page.Columns : _codeColumn - 1;

    private void Put(int row, ScreenLine line, int width)
    {
        _page.Put(row, 1, Cut(line.Label, LabelWidth - 1), ScreenStyle.Label);
        _page.Put(row, LabelWidth, Cut(line.Text, width - LabelWidth), line.Style);
    }

    private void Shorten(List<ScreenLine> lines, int rows)
    {
        int left = Math.Clamp(rows, 0, lines.Count);
        _hidden += lines.Count - left;
        lines.RemoveRange(left, lines.Count - left);
    }

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..Math.Max(length, 0)];

    private readonly record struct ScreenLine(string Label, string Text, ScreenStyle Style);
}
