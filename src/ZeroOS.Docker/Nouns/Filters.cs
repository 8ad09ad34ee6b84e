using System.Text.RegularExpressions;

using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Nouns;

/// <summary>
/// A list's filters: keys are joined by "and", values of a key by "or", but for labels, which all have to be there. A filter that is not known is refused,
/// since without it more would be done than was meant.
/// </summary>
internal sealed class Filters
{
    private static readonly TimeSpan s_patternTime = TimeSpan.FromMilliseconds(100);

    private readonly IReadOnlyDictionary<string, string[]> _filters;

    /// <summary>Takes those of a request.</summary>
    /// <exception cref="DockerFault">400: one that is not among the <paramref name="known"/>.</exception>
    public Filters(DockerQuery query, params string[] known)
    {
        _filters = query.Filters();
        if (_filters.Keys.FirstOrDefault(k => !known.Contains(k)) is { } other)
            throw DockerFault.Bad($"invalid filter '{other}'; there are {string.Join(", ", known)}");
    }

    /// <summary>Whether the filter is given.</summary>
    public bool Has(string key) => _filters.TryGetValue(key, out string[]? values) && values.Length > 0;

    /// <summary>Whether one of the filter's values is so, or it is not given.</summary>
    public bool Any(string key, Func<string, bool> matches) => !Has(key) || _filters[key].Any(matches);

    /// <summary>Whether a name has one of the patterns, which are regular expressions.</summary>
    public bool Name(string name) => Any("name", pattern => Matches(pattern, "/" + name) || Matches(pattern, name));

    /// <summary>Whether all labels that are asked for are there: "key", or "key=value".</summary>
    public bool Labels(IReadOnlyDictionary<string, string> labels) => !Has("label") || _filters["label"].All(wanted =>
        wanted.Split('=', 2) is [string key, string value] ? labels.GetValueOrDefault(key) == value : labels.ContainsKey(wanted));

    private static bool Matches(string pattern, string text)
    {
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, s_patternTime);
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            return text.Contains(pattern, StringComparison.Ordinal);
        }
    }
}
