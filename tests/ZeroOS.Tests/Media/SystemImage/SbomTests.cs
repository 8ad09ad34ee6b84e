using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

using ZeroOS.Media.SystemImage.Sbom;
using ZeroOS.Tests.Repository;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Media.SystemImage;

public partial class SbomTests
{
    private const string Versions = """
        linux-source-6.12 6.12.27-1~bpo12+1 linux 6.12.27-1~bpo12+1
        libzstd-dev 1.5.4+dfsg2-5 libzstd 1.5.4+dfsg2-5
        """;

    private const string Assets = """
        {
          "targets": { "net10.0": {}, "net10.0/linux-x64": {
            "YamlDotNet/18.1.0": { "type": "package", "runtime": { "lib/net10.0/YamlDotNet.dll": {} } },
            "Some.Analyzers/5.6.0": { "type": "package", "runtime": { "lib/net10.0/_._": {} } },
            "ZeroOS.Bus/0.1.0": { "type": "project" } } },
          "libraries": {
            "YamlDotNet/18.1.0": { "type": "package" }, "Some.Analyzers/5.6.0": { "type": "package" },
            "runtime.linux-x64.Microsoft.DotNet.ILCompiler/10.0.12": { "type": "package" }, "ZeroOS.Bus/0.1.0": { "type": "project" } },
          "project": { "frameworks": { "net10.0": {
            "downloadDependencies": [
              { "name": "Microsoft.AspNetCore.App.Runtime.linux-x64", "version": "[10.0.12, 10.0.12]" },
              { "name": "Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64", "version": "[10.0.12, 10.0.12]" },
              { "name": "runtime.linux-x64.Microsoft.DotNet.ILCompiler", "version": "[10.0.12, 10.0.12]" } ],
            "frameworkReferences": { "Microsoft.AspNetCore.App": {} } } } }
        }
        """;

    [Fact]
    public void Packages_whose_code_is_in_a_program_are_told_from_tools()
    {
        IReadOnlyList<NuGetPackage> packages = ProgramAssets.Read(Encoding.UTF8.GetBytes(Assets), "zos");
        Assert.Equal([("Microsoft.AspNetCore.App.Runtime.linux-x64", "10.0.12", true), ("Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64", "10.0.12", true),
            ("Some.Analyzers", "5.6.0", false), ("YamlDotNet", "18.1.0", true), ("runtime.linux-x64.Microsoft.DotNet.ILCompiler", "10.0.12", false)],
            packages.Select(p => (p.Name, p.Version, p.InProgram)));
    }

    // The judge of the example above: what NuGet wrote when the newest sources of every program were restored.
    [Theory]
    [InlineData("ZeroOS.Node", "Microsoft.Data.Sqlite.Core")]
    [InlineData("ZeroOS.Cli", "YamlDotNet")]
    public void The_list_that_NuGet_wrote_for_a_program_has_its_runtime_and_its_libraries(string project, string library)
    {
        string path = Path.Combine(Checkout.Root, "out/dotnet/obj", project, "project.assets.json");
        string[] linked = [.. ProgramAssets.Read(File.ReadAllBytes(path), project).Where(p => p.InProgram).Select(p => p.Name)];
        Assert.Contains("Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64", linked);
        Assert.Contains(library, linked);
        Assert.DoesNotContain("Microsoft.CodeAnalysis.BannedApiAnalyzers", linked);
        Assert.Equal(project == "ZeroOS.Node", linked.Contains("Microsoft.AspNetCore.App.Runtime.linux-x64"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"targets":{},"libraries":{"x/1":{"type":"package"}},"project":{"frameworks":{"net10.0":{"downloadDependencies":3}}}}""")]
    [InlineData("""{"targets":{},"libraries":{"x":{"type":"package"}},"project":{}}""")]
    public void What_is_no_list_of_packages_is_refused_with_the_programs_name(string json) =>
        Assert.Contains("zvmm", Assert.Throws<InvalidDataException>(() => ProgramAssets.Read(Encoding.UTF8.GetBytes(json), "zvmm")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void The_bill_is_a_document_by_the_rules_of_SPDX_and_the_same_each_time()
    {
        byte[] json = Bill();
        Assert.Equal(json, Bill());
        using JsonDocument document = JsonDocument.Parse(json);
        SpdxRules.Hold(document.RootElement);
        Assert.Equal("2026-01-02T03:04:05Z", document.RootElement.GetProperty("creationInfo").GetProperty("created").GetString());
        string[] relationships = [.. document.RootElement.GetProperty("relationships").EnumerateArray().Select(r =>
            $"{r.GetProperty("spdxElementId")} {r.GetProperty("relationshipType")} {r.GetProperty("relatedSpdxElement")}".Replace("SPDXRef-", "",
                StringComparison.Ordinal))];
        Assert.Contains("DOCUMENT DESCRIBES zeroos-ZeroOS-1.2.3", relationships);
        Assert.Contains("zeroos-ZeroOS-1.2.3 CONTAINS zeroos-zvmm-1.2.3", relationships);
        Assert.Contains("zeroos-ZeroOS-1.2.3 CONTAINS debian-linux-source-6.12-6.12.27-1-bpo12-1", relationships);
        Assert.Contains("zeroos-zos-1.2.3 STATIC_LINK debian-libzstd-dev-1.5.4-dfsg2-5", relationships);
        Assert.Contains("zeroos-zos-1.2.3 CONTAINS nuget-YamlDotNet-18.1.0", relationships);
        Assert.Contains("nuget-Some.Analyzers-5.6.0 BUILD_TOOL_OF zeroos-zos-1.2.3", relationships);
    }

    [Fact]
    public void A_component_without_a_version_or_in_no_program_is_refused()
    {
        Assert.Throws<InvalidDataException>(() => ImageComponents.Read("libnone-dev zos something", Versions));
        Assert.Throws<InvalidDataException>(() => ImageComponents.Read("libzstd-dev", Versions));
        BillOfMaterials bill = new("1.2.3", []);
        Assert.Throws<InvalidDataException>(() => bill.AddComponent(ImageComponents.Read("libzstd-dev zos zstd", Versions)[0]));
    }

    [Fact]
    public void Every_static_library_that_a_program_links_is_of_a_listed_component()
    {
        string components = File.ReadAllText(Path.Combine(Checkout.Root, "image/components"));
        string[] libraries = [.. Directory.GetFiles(Path.Combine(Checkout.Root, "src"), "*.props")
            .Concat(Directory.GetFiles(Path.Combine(Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories))
            .SelectMany(f => StaticLibrary().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value).Distinct()];
        Assert.NotEmpty(libraries);
        Assert.All(libraries, library => Assert.Contains(library + "-dev ", components, StringComparison.Ordinal));
    }

    private static byte[] Bill()
    {
        BillOfMaterials bill = new("1.2.3", "an image"u8);
        bill.AddProgram("zvmm", "a program"u8, inImage: true, []);
        bill.AddProgram("zos", "another"u8, inImage: false, ProgramAssets.Read(Encoding.UTF8.GetBytes(Assets), "zos"));
        foreach (ImageComponent component in ImageComponents.Read("# what\nlinux-source-6.12 image the kernel\nlibzstd-dev zos,zvmm  zstd\n", Versions))
            bill.AddComponent(component);
        return bill.ToJson(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    }

    [GeneratedRegex(@"/(lib[a-z0-9]+)\.a")]
    private static partial Regex StaticLibrary();
}
