using System.Text.RegularExpressions;

namespace ZeroOS.Tests.Repository;

/// <summary>A file is found by its namespace, and a test by what it tests.</summary>
public partial class LayoutTests
{
    private const int Columns = 160;

    // Most of ZeroOS.Linux is one namespace over many folders: one using brings the kernel.
    public static TheoryData<string> Roots =>
    [
        "tests/ZeroOS.Tests",
        .. Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src")).Select(d => "src/" + Path.GetFileName(d)).Where(d => d != "src/ZeroOS.Linux"),
    ];

    public static TheoryData<string> Projects =>
        [.. Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src")).Select(d => "src/" + Path.GetFileName(d))];

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

    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_room_is_in_the_projects_README_and_what_it_names_is_there(string project)
    {
        string folder = Path.Combine(Checkout.Root, project);
        string[] named = [.. File.ReadLines(Path.Combine(folder, "README.md")).Where(l => l.StartsWith("| ", StringComparison.Ordinal))
            .SelectMany(l => l.Split('|')[1].Split(',')).Select(n => n.Trim(' ', '`', '/')).Except(["room", "file", "(root)"])];
        IEnumerable<string?> rooms = Directory.EnumerateDirectories(folder).Where(d => Directory.EnumerateFiles(d, "*.cs", SearchOption.AllDirectories).Any())
            .Select(Path.GetFileName);
        Assert.Empty(rooms.Except(named));
        Assert.Empty(named.Where(n => !Path.Exists(Path.Combine(folder, n)) && !Path.Exists(Path.Combine(folder, n + ".cs"))));
    }

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void No_line_of_code_has_more_than_160_columns(string root) =>
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Checkout.Root, root), "*.cs", SearchOption.AllDirectories)
            .SelectMany(f => File.ReadLines(f).Index().Where(l => l.Item.Length > Columns)
                .Select(l => $"{Path.GetRelativePath(Checkout.Root, f)}:{l.Index + 1}")));

    private static string? NamespaceOf(string file) => NamespaceLine().Match(File.ReadAllText(file)) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex("^namespace ([\\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
