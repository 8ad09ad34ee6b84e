using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ZeroOS.Tests.Oci.Build;

/// <summary>
/// The tree that an image must become, written down name by name, in the lines of <c>PosixTree</c> without the counts of links. What it leaves
/// out is what <c>TarBytes</c> writes: owner 1:2, 100 seconds after 1970.
/// </summary>
internal sealed class ExpectedTree
{
    private readonly Dictionary<string, (string Status, string Detail)> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _same = new(StringComparer.Ordinal);

    /// <summary>Begins with a root that no layer has an entry for.</summary>
    public ExpectedTree() => Implied(".");

    public ExpectedTree Directory(string path, string mode = "755") => Add(path, "4", mode, "1:2 100", "");

    /// <summary>A directory that is only on the way to an entry.</summary>
    public ExpectedTree Implied(string path) => Add(path, "4", "755", "0:0 0", "");

    public ExpectedTree File(string path, string content, string mode = "644") =>
        Add(path, "8", mode, "1:2 100", $" size={content.Length} {Convert.ToHexString(SHA256.HashData(Encoding.Latin1.GetBytes(content)))}");

    public ExpectedTree SymbolicLink(string path, string target) => Add(path, "a", "777", "1:2 100", " to=" + target);

    /// <summary>One more name of a file or link that is there already; of all names of it, that one is the first in the order of a walk.</summary>
    public ExpectedTree Same(string path, string first)
    {
        _entries[path] = _entries[first];
        _same[path] = _same[first] = first;
        return this;
    }

    public SortedDictionary<string, string> Lines()
    {
        SortedDictionary<string, string> lines = new(StringComparer.Ordinal);
        foreach ((string path, (string status, string detail)) in _entries)
        {
            string first = _same.TryGetValue(path, out string? name) ? " first=" + name : "";
            // A link tells its target before its other names, a file its size after them.
            lines[path] = status + (detail.StartsWith(" to=", StringComparison.Ordinal) ? detail + first : first + detail);
        }
        return lines;
    }

    /// <summary>
    /// A tree as PosixTree read it, without the counts of links: those of directories follow from the names, those of files are told by the first name.
    /// </summary>
    public static SortedDictionary<string, string> WithoutCounts(SortedDictionary<string, string> tree) =>
        new(tree.ToDictionary(line => line.Key, line => Regex.Replace(line.Value, " links=\\d+", "")), StringComparer.Ordinal);

    /// <summary>Only what a program finds under each name: no times, and of directories nothing but that they are there.</summary>
    public static SortedDictionary<string, string> Coarse(SortedDictionary<string, string> tree) => new(
        WithoutCounts(tree).ToDictionary(line => line.Key, line => line.Value.StartsWith('4') ? "directory" : Regex.Replace(line.Value, @" -?\d+\.\d{9}", "")),
        StringComparer.Ordinal);

    private ExpectedTree Add(string path, string type, string mode, string ownerAndTime, string detail)
    {
        _entries[path] = ($"{type}{Convert.ToInt32(mode, 8):x3} {ownerAndTime}.000000000", detail);
        return this;
    }
}
