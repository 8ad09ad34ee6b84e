namespace ZeroOS.Oci.Registry;

/// <summary>One challenge of a WWW-Authenticate header: a scheme and its parameters (RFC 9110, 11.6.1). Values may be quoted and hold commas.</summary>
internal sealed record AuthChallenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    private const int MaxLength = 8192, MaxParameters = 32;

    /// <summary>A parameter's value, or null.</summary>
    public string? this[string name] => Parameters.GetValueOrDefault(name);

    /// <summary>Reads every challenge of a header; what cannot be read ends the list.</summary>
    public static IReadOnlyList<AuthChallenge> Parse(string header)
    {
        List<AuthChallenge> challenges = [];
        if (header.Length > MaxLength)
            return challenges;
        int at = 0;
        while (true)
        {
            SkipSeparators(header, ref at);
            string scheme = Token(header, ref at);
            if (scheme.Length == 0)
                return challenges;
            Dictionary<string, string> parameters = new(StringComparer.OrdinalIgnoreCase);
            challenges.Add(new AuthChallenge(scheme, parameters));
            while (parameters.Count < MaxParameters && TryParameter(header, ref at, out string name, out string value))
                parameters.TryAdd(name, value);
        }
    }

    private static bool TryParameter(string header, ref int at, out string name, out string value)
    {
        int next = at;
        value = "";
        SkipSeparators(header, ref next);
        name = Token(header, ref next);
        SkipBlanks(header, ref next);
        // A token that no '=' follows is the next challenge's scheme.
        if (name.Length == 0 || next >= header.Length || header[next] != '=')
            return false;
        next++;
        SkipBlanks(header, ref next);
        if (next < header.Length && header[next] == '"')
        {
            if (!TryQuoted(header, ref next, out value))
                return false;
        }
        else
        {
            value = Token(header, ref next);
        }
        at = next;
        return true;
    }

    private static bool TryQuoted(string header, ref int at, out string value)
    {
        System.Text.StringBuilder text = new();
        value = "";
        for (at++; at < header.Length; at++)
        {
            if (header[at] == '"')
            {
                at++;
                value = text.ToString();
                return true;
            }
            if (header[at] == '\\' && at + 1 < header.Length)
                at++;
            text.Append(header[at]);
        }
        return false;
    }

    private static string Token(string header, ref int at)
    {
        int begin = at;
        while (at < header.Length && (char.IsAsciiLetterOrDigit(header[at]) || "!#$%&'*+-.^_`|~:/".Contains(header[at], StringComparison.Ordinal)))
            at++;
        return header[begin..at];
    }

    private static void SkipSeparators(string header, ref int at)
    {
        while (at < header.Length && header[at] is (' ' or '\t' or ','))
            at++;
    }

    private static void SkipBlanks(string header, ref int at)
    {
        while (at < header.Length && header[at] is (' ' or '\t'))
            at++;
    }
}
