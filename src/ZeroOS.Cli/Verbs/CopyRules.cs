using ZeroOS.Cli.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>The rules of docker cp: which side a word means, and what a copy is called where it arrives. The same in both directions.</summary>
internal static class CopyRules
{
    /// <summary>What is copied.</summary>
    /// <param name="IsDirectory">It is a directory.</param>
    /// <param name="Name">What it is called; empty when what is in the directory is copied, and not the directory.</param>
    internal readonly record struct Source(bool IsDirectory, string Name);

    /// <summary>Where it is copied to.</summary>
    /// <param name="Text">As it was typed.</param>
    /// <param name="IsThere">There is something.</param>
    /// <param name="IsDirectory">It is a directory.</param>
    /// <param name="Name">Its last name, in the directory that is there; empty for a directory.</param>
    internal readonly record struct Target(string Text, bool IsThere, bool IsDirectory, string Name);

    /// <summary>
    /// Splits a word into machine and absolute path; null when it means this computer: it has no colon, is absolute, or begins with a dot.
    /// </summary>
    /// <exception cref="CliException">There is no path behind the colon.</exception>
    internal static (string Machine, string Path)? Remote(string word)
    {
        int colon = word.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || word[0] is '/' or '.')
            return null;
        string path = word[(colon + 1)..];
        return path.Length > 0 ? (word[..colon], path[0] == '/' ? path : "/" + path)
            : throw new CliException($"\"{word}\" has no path behind the colon", CliException.Usage);
    }

    /// <summary>
    /// What the copy is called in the directory that <paramref name="target"/> is, or in which it ends; empty when it is laid into that directory itself.
    /// </summary>
    /// <exception cref="CliException">It cannot be copied there.</exception>
    internal static string NameAt(Source source, Target target)
    {
        if (target.IsDirectory)
            return source.Name;
        if (target.IsThere && source.IsDirectory)
            throw new CliException($"a directory cannot be copied over the file {target.Text}");
        if (target.Text.EndsWith('/') && (target.IsThere || !source.IsDirectory))
            throw new CliException($"there is no directory {target.Text}");
        return target.Name;
    }
}
