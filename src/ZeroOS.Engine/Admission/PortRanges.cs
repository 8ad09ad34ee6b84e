using System.Globalization;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Engine.Admission;

/// <summary>The ports of a grant: "8080", "30000-30100".</summary>
internal sealed class PortRanges
{
    /// <summary>Ports of the node itself, never a tenant's whatever a grant says: the bus.</summary>
    public static readonly IReadOnlySet<int> Reserved = new HashSet<int> { BusPort.Tcp };

    private readonly List<(int First, int Last)> _ranges = [];

    /// <summary>Parses every text, or says which one is wrong.</summary>
    public static bool TryParse(IReadOnlyList<string> texts, out PortRanges ranges, out int wrong)
    {
        ranges = new PortRanges();
        for (wrong = 0; wrong < texts.Count; wrong++)
        {
            string[] ends = texts[wrong].Split('-');
            if (ends.Length > 2 || !TryPort(ends[0], out int first) || !TryPort(ends[^1], out int last) || last < first)
                return false;
            ranges._ranges.Add((first, last));
        }
        return true;
    }

    /// <summary>Whether one of the ranges has the port.</summary>
    public bool Contains(int port) => _ranges.Exists(r => r.First <= port && port <= r.Last);

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
