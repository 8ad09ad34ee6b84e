namespace ZeroOS.Engine.Admission;

/// <summary>"registry/name[:tag]" and "sha256:..." as the OCI distribution specification writes them; nothing else ever reaches a fetcher.</summary>
internal static class ImageReferences
{
    /// <summary>Whether it is a lower-case SHA-256 digest.</summary>
    public static bool IsDigest(string text)
    {
        if (text.Length != 71 || !text.StartsWith("sha256:", StringComparison.Ordinal))
            return false;
        foreach (char c in text.AsSpan(7))
        {
            if (!char.IsAsciiDigit(c) && c is not (>= 'a' and <= 'f'))
                return false;
        }
        return true;
    }

    /// <summary>Whether it is a registry (a host, a host and port, or a name the farm settings list), a repository and perhaps a tag.</summary>
    public static bool IsReference(string text)
    {
        int first = text.IndexOf('/');
        if (text.Length > 384 || first <= 0 || !IsRegistry(text.AsSpan(0, first)))
            return false;
        ReadOnlySpan<char> rest = text.AsSpan(first + 1);
        int colon = rest.IndexOf(':');
        if (colon >= 0)
        {
            if (!IsTag(rest[(colon + 1)..]))
                return false;
            rest = rest[..colon];
        }
        foreach (Range part in rest.Split('/'))
        {
            if (!IsPathPart(rest[part]))
                return false;
        }
        return true;
    }

    private static bool IsRegistry(ReadOnlySpan<char> text)
    {
        int colon = text.IndexOf(':');
        if (colon >= 0)
        {
            if (!int.TryParse(text[(colon + 1)..], System.Globalization.NumberStyles.None, null, out int port) || port is < 1 or > 65535)
                return false;
            text = text[..colon];
        }
        if (text.Length is < 1 or > 253 || !char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1]))
            return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-'))
                return false;
        }
        return true;
    }

    // path-component := [a-z0-9]+ ((\.|_|__|-+) [a-z0-9]+)*
    private static bool IsPathPart(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || !IsAlphanumeric(text[0]) || !IsAlphanumeric(text[^1]))
            return false;
        for (int i = 1; i < text.Length; i++)
        {
            char c = text[i];
            bool separatorTwice = !IsAlphanumeric(text[i - 1]) && !IsAlphanumeric(c) && !(c == text[i - 1] && c is '_' or '-');
            if ((!IsAlphanumeric(c) && c is not ('.' or '_' or '-')) || separatorTwice)
                return false;
        }
        return true;
    }

    private static bool IsTag(ReadOnlySpan<char> text)
    {
        if (text.Length is < 1 or > 128 || text[0] is '.' or '-')
            return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
                return false;
        }
        return true;
    }

    private static bool IsAlphanumeric(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);
}
