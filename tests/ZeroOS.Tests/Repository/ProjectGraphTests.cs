using System.Xml.Linq;

using Xunit.Abstractions;

namespace ZeroOS.Tests.Repository;

/// <summary>The arrows between projects are those of docs/architecture.md, and no others.</summary>
public class ProjectGraphTests(ITestOutputHelper output)
{
    // Lowest level first: an arrow leads to a project further up in this list.
    private static readonly Dictionary<string, string[]> s_wanted = new()
    {
        ["Contracts"] = [],
        ["Linux"] = [],
        ["Formats"] = [],
        ["Flist"] = [],
        ["Trees"] = ["Linux", "Formats"],
        ["Workloads"] = ["Contracts", "Linux"],
        ["Bus"] = ["Contracts", "Linux"],
        ["Oci"] = ["Contracts", "Linux", "Formats", "Flist"],
        ["Init"] = ["Contracts", "Linux"],
        ["Engine"] = ["Contracts", "Linux", "Workloads", "Bus"],
        ["Vmm"] = ["Contracts", "Linux", "Flist"],
        ["Guest"] = ["Contracts", "Linux", "Formats", "Trees"],
        ["Host"] = ["Contracts", "Linux", "Formats", "Workloads"],
        ["Images"] = ["Contracts", "Linux", "Formats", "Flist", "Workloads", "Oci"],
        ["Client"] = ["Contracts", "Formats", "Flist", "Bus", "Oci"],
        ["Media"] = ["Contracts", "Linux", "Formats", "Flist", "Bus", "Oci"],
        ["Docker"] = ["Contracts", "Formats", "Flist", "Bus", "Oci", "Client"],
        ["Node"] = ["Contracts", "Linux", "Formats", "Flist", "Workloads", "Bus", "Oci", "Init", "Engine", "Host", "Images"],
        ["Cli"] = ["Contracts", "Linux", "Formats", "Flist", "Trees", "Bus", "Oci", "Client", "Media", "Docker"],
    };

    public static TheoryData<string> Projects => [.. s_wanted.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_refers_to_exactly_what_is_wanted(string project)
    {
        string file = Path.Combine(Checkout.Root, "src", $"ZeroOS.{project}", $"ZeroOS.{project}.csproj");
        IEnumerable<string> references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!).Replace("ZeroOS.", "", StringComparison.Ordinal));
        Assert.Equal(s_wanted[project].Order(), references.Order());
    }

    [Fact]
    public void Arrows_lead_down()
    {
        List<string> order = [.. s_wanted.Keys];
        Assert.All(s_wanted, p => Assert.All(p.Value, target => Assert.True(order.IndexOf(target) < order.IndexOf(p.Key), $"{p.Key} -> {target}")));
    }

    [Fact]
    public void Every_project_of_src_has_its_level()
    {
        IEnumerable<string> projects = Directory.EnumerateDirectories(Path.Combine(Checkout.Root, "src"))
            .Select(d => Path.GetFileName(d).Replace("ZeroOS.", "", StringComparison.Ordinal));
        Assert.Equal(s_wanted.Keys.Order(), projects.Order());
    }

    [Fact]
    public void Every_project_is_under_15_percent_of_the_source()
    {
        Dictionary<string, int> lines = s_wanted.Keys.ToDictionary(p => p, p => FolderGraph.SourceFiles(p).Sum(f => File.ReadLines(f).Count()));
        int all = lines.Values.Sum();
        foreach ((string project, int count) in lines.OrderByDescending(p => p.Value))
            output.WriteLine($"{project,-10} {count,6} lines {100.0 * count / all,5:0.0} %");
        Assert.All(lines, p => Assert.True(p.Value * 100L < all * 15L, $"{p.Key} has {p.Value} of {all} lines: a wall belongs through it"));
    }

    [Fact]
    public void Only_ZeroOS_Linux_imports_the_c_library()
    {
        IEnumerable<string> offenders = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/ZeroOS.Linux/", StringComparison.Ordinal))
            .Where(f => File.ReadAllText(f) is string text && (text.Contains("LibraryImport(\"libc\"", StringComparison.Ordinal)
                || text.Contains("DllImport", StringComparison.Ordinal) || text.Contains("Tmds.Linux", StringComparison.Ordinal)));
        Assert.Empty(offenders);
    }
}
