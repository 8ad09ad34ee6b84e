using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Repository;

/// <summary>The programs that <c>scripts/programs</c> published.</summary>
internal static class NativePrograms
{
    private const string Folder = "out/programs";
    private static readonly Lazy<HashSet<string>> s_current = new(Ask);

    /// <summary>The file of a program; the test is skipped where it is not built, or was built from other sources than the tests.</summary>
    public static string Need(string name)
    {
        string path = Path.Combine(Checkout.Root, Folder, name);
        Skip.IfNot(File.Exists(path), $"{Folder}/{name} is not built (scripts/programs {Folder})");
        Skip.IfNot(s_current.Value.Contains(name), $"{Folder}/{name} is of other sources than these (scripts/programs {Folder})");
        return path;
    }

    private static HashSet<string> Ask()
    {
        ProgramRun run = ProgramRun.Of(Path.Combine(Checkout.Root, "scripts/programs"), "--current", Folder).Succeeded();
        return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}
