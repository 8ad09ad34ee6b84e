using System.Text.RegularExpressions;

namespace ZeroOS.Tests.Repository.Limits;

/// <summary>docs/limits.md says what the table says, and the table names constants and tests that exist.</summary>
public class LimitTableTests
{
    private static readonly string s_page = Path.Combine(Checkout.Root, "docs", "limits.md");

    public static TheoryData<string> Constants => [.. Rows.SelectMany(r => Names(r.Constant))];

    public static TheoryData<string> Tests => [.. Rows.SelectMany(r => Names(r.Test))];

    private static IEnumerable<Limit> Rows => LimitTable.Parts.SelectMany(p => p.Rows);

    [Fact]
    public void The_page_is_the_table()
    {
        if (Environment.GetEnvironmentVariable("ZEROOS_WRITE_LIMITS") == "1")
            File.WriteAllText(s_page, LimitTable.ToMarkdown());
        Assert.Equal(LimitTable.ToMarkdown(), File.ReadAllText(s_page));
    }

    [Fact]
    public void No_row_leaves_a_column_empty_and_none_is_there_twice()
    {
        Assert.All(Rows, r => Assert.All([r.What, r.Who, r.PerOwner, r.InSum, r.AtLimit, r.Constant, r.Test],
            column => Assert.False(string.IsNullOrWhiteSpace(column), r.What)));
        Assert.Equal(Rows.Count(), Rows.Select(r => r.What).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Constants))]
    public void Every_constant_is_in_the_sources(string constant)
    {
        string[] parts = constant.Split('.');
        string type = $@"\b(class|struct|record|enum|interface)( struct| class)? {parts[0]}\b";
        IEnumerable<string> declaring = s_sources.Value.Where(text => Regex.IsMatch(text, type));
        Assert.Contains(declaring, text => parts.Length == 1 || Regex.IsMatch(text, $@"\b{parts[1]}\b"));
    }

    [Theory]
    [MemberData(nameof(Tests))]
    public void Every_test_exists(string test)
    {
        string[] parts = test.Split('.');
        Assert.Contains(s_tests.Value, text => text.Contains($"class {parts[0]}", StringComparison.Ordinal)
            && (parts.Length == 1 || text.Contains($" {parts[1]}(", StringComparison.Ordinal)));
    }

    private static readonly Lazy<string[]> s_sources = new(() => Read("src"));

    private static readonly Lazy<string[]> s_tests = new(() => Read("tests"));

    private static IEnumerable<string> Names(string column) => column == "-" ? [] : column.Split(", ");

    private static string[] Read(string folder) =>
        [.. Directory.EnumerateFiles(Path.Combine(Checkout.Root, folder), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)];
}
