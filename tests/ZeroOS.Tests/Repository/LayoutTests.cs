using System.Text.RegularExpressions;

namespace ZeroOS.Tests.Repository;

/// <summary>A file is found by its namespace, and a test by what it tests.</summary>
public partial class LayoutTests
{
    // Most of ZeroOS.Linux is one namespace over many folders: one using brings the kernel.
    public static TheoryData<string> Roots =>
    [
        "tests/ZeroOS.Tests",
        .. Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src")).Select(d => "src/" + Path.GetFileName(d)).Where(d => d != "src/ZeroOS.Linux"),
    ];

    [Theory]
    [MemberData(nameof(Roots))]
    public void Namespace_is_the_folder(string root)
    {
        string folder = Path.Combine(Checkout.Root, root);
        Assert.Empty(Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Select(f => (File: f, Expected: string.Join('.', new[] { Path.GetFileName(root) }.Concat(Path.GetRelativePath(folder, f).Split('/')[..^1]))))
            .Where(f => NamespaceOf(f.File) is { } found && found != f.Expected)
            .Select(f => $"{Path.GetRelativePath(Checkout.Root, f.File)} is in {NamespaceOf(f.File)}"));
    }

    private static string? NamespaceOf(string file) => NamespaceLine().Match(File.ReadAllText(file)) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex("^namespace ([\\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
