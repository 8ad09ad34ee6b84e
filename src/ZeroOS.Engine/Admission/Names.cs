namespace ZeroOS.Engine.Admission;

/// <summary>Names of deployments and workloads: 1 to 36 of a-z, 0-9 and "-", which neither starts nor ends one.</summary>
internal static class Names
{
    /// <summary>For people, in refusals.</summary>
    public const string Rule = "1 to 36 lower-case letters, digits and hyphens, no hyphen first or last";

    /// <summary>Whether the text is such a name.</summary>
    public static bool IsValid(string name)
    {
        if (name.Length is < 1 or > 36 || name[0] == '-' || name[^1] == '-')
            return false;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-')
                return false;
        }
        return true;
    }
}
