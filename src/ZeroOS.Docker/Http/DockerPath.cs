using System.Globalization;

namespace ZeroOS.Docker.Http;

/// <summary>
/// A request's path: the version of the API in front, if it is said, and the rest. A pattern has {name} for one part and {name*} for one or more, since the
/// name of an image has slashes.
/// </summary>
internal sealed record DockerPath(int Minor, string Path)
{
    /// <summary>Versions of the API, as 1.41 to 1.47.</summary>
    public const int Oldest = 24, Newest = 47;

    /// <summary>The newest version, as text.</summary>
    public static readonly string NewestText = Text(Newest), OldestText = Text(Oldest);

    /// <summary>Takes "/v1.41/containers/json" apart; without a version it is the newest.</summary>
    /// <exception cref="DockerFault">A version that is not spoken here.</exception>
    public static DockerPath Parse(string path)
    {
        string first = path.Split('/', 3) is ["", string part, ..] ? part : "";
        if (!first.StartsWith("v1.", StringComparison.Ordinal)
            || !int.TryParse(first.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out int minor))
            return new DockerPath(Newest, path);
        if (minor > Newest)
            throw DockerFault.Bad($"client version 1.{minor} is too new. Maximum supported API version is {NewestText}");
        if (minor < Oldest)
        {
            throw DockerFault.Bad($"client version 1.{minor} is too old. Minimum supported API version is {OldestText}, please upgrade your client to a "
                + "newer version");
        }
        return new DockerPath(minor, path[(first.Length + 1)..]);
    }

    /// <summary>Whether the path has the pattern; the values stand in the order of its names.</summary>
    public bool Matches(string pattern, out IReadOnlyList<string> values)
    {
        List<string> found = [];
        values = found;
        string[] wanted = pattern.Split('/'), parts = Path.Split('/');
        int surplus = parts.Length - wanted.Length;
        if (surplus < 0)
            return false;
        int at = 0;
        foreach (string want in wanted)
        {
            int count = want.EndsWith("*}", StringComparison.Ordinal) ? 1 + surplus : 1;
            if (count > parts.Length - at)
                return false;
            string value = string.Join('/', parts.AsSpan(at, count));
            if (want.StartsWith('{') ? value.Length == 0 : value != want)
                return false;
            if (want.StartsWith('{'))
                found.Add(Uri.UnescapeDataString(value));
            at += count;
        }
        return at == parts.Length;
    }

    private static string Text(int minor) => string.Create(CultureInfo.InvariantCulture, $"1.{minor}");
}
