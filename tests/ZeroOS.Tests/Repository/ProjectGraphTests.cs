using System.Xml.Linq;

namespace ZeroOS.Tests.Repository;

/// <summary>The arrows between projects are those of docs/architecture.md, and no others.</summary>
public class ProjectGraphTests
{
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Contracts"] = [],
        ["Linux"] = [],
        ["Formats"] = [],
        ["Bus"] = ["Contracts", "Linux", "Formats"],
        ["Flist"] = ["Contracts", "Linux", "Formats"],
        ["Vmm"] = ["Contracts", "Linux", "Formats", "Flist"],
        ["Guest"] = ["Contracts", "Linux", "Formats"],
        ["Node"] = ["Contracts", "Linux", "Formats", "Bus", "Flist"],
        ["Cli"] = ["Contracts", "Linux", "Formats", "Bus", "Flist"],
    };

    public static TheoryData<string> Projects => [.. s_allowed.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_refers_only_to_what_its_level_may(string project)
    {
        string file = Path.Combine(Checkout.Root, "src", $"ZeroOS.{project}", $"ZeroOS.{project}.csproj");
        IEnumerable<string> references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!).Replace("ZeroOS.", "", StringComparison.Ordinal));
        Assert.Empty(references.Except(s_allowed[project]));
    }

    [Fact]
    public void Every_project_of_src_has_its_level()
    {
        IEnumerable<string> projects = Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src")).Select(d => Path.GetFileName(d).Replace("ZeroOS.", "", StringComparison.Ordinal));
        Assert.Equal(s_allowed.Keys.Order(), projects.Order());
    }

    [Fact]
    public void Only_ZeroOS_Linux_imports_the_c_library()
    {
        IEnumerable<string> offenders = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/ZeroOS.Linux/", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f) is string text && (text.Contains("LibraryImport(\"libc\"", StringComparison.Ordinal) || text.Contains("DllImport", StringComparison.Ordinal)));
        Assert.Empty(offenders);
    }
}
