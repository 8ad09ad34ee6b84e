using ZeroOS.Linux;
using ZeroOS.Trees;

namespace ZeroOS.Cli.Verbs;

/// <summary>A source or a target of a copy on this computer.</summary>
internal static class LocalTree
{
    /// <summary>What is copied.</summary>
    /// <exception cref="LinuxException">It is not there.</exception>
    public static TreeSource OpenSource(string text, bool follow)
    {
        using RootedDirectory root = new("/");
        return TreeSource.Open(root, Absolute(text), follow);
    }

    /// <summary>Where something is copied to.</summary>
    /// <exception cref="LinuxException">The directory that it would be in is not there.</exception>
    public static TreeTarget OpenTarget(string text)
    {
        using RootedDirectory root = new("/");
        return TreeTarget.Open(root, Absolute(text));
    }

    // Not what .NET makes of it: ".." behind a link means the directory that the link leads to.
    private static string Absolute(string text) => text is ['/', ..] ? text : $"{Environment.CurrentDirectory}/{text}";
}
