using System.Text.Json;

namespace ZeroOS.Media.SystemImage.Sbom;

/// <summary>A NuGet package that a program was built with.</summary>
/// <param name="Name">As NuGet has it.</param>
/// <param name="Version">Exact.</param>
/// <param name="InProgram">Whether code of it is in the program; otherwise it was a tool or a description.</param>
internal sealed record NuGetPackage(string Name, string Version, bool InProgram);

/// <summary>The packages of one published program, from the project.assets.json that NuGet wrote when it was restored.</summary>
internal static class ProgramAssets
{
    // What was restored for the computer that the program runs on; the framework before the slash changes with the runtime.
    private const string Platform = "/linux-x64";

    // Packs that the SDK brings without their being libraries: the runtime that the compiler links in, and the web server of a program that uses it.
    private const string Runtime = "Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64", WebServer = "Microsoft.AspNetCore.App.Runtime.linux-x64",
        WebFramework = "Microsoft.AspNetCore.App";

    /// <summary>Every package the file names, in the order of their names.</summary>
    /// <param name="json">The file's content.</param>
    /// <param name="program">For the message when it is not such a file.</param>
    /// <exception cref="InvalidDataException">Not such a file.</exception>
    public static IReadOnlyList<NuGetPackage> Read(ReadOnlyMemory<byte> json, string program)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            Dictionary<string, NuGetPackage> packages = [];
            JsonElement target = root.GetProperty("targets").EnumerateObject().Single(t => t.Name.EndsWith(Platform, StringComparison.Ordinal)).Value;
            foreach (JsonProperty library in root.GetProperty("libraries").EnumerateObject().Where(l => l.Value.GetProperty("type").GetString() == "package"))
            {
                (string name, string version) = Split(library.Name);
                bool linked = target.TryGetProperty(library.Name, out JsonElement assets) && assets.TryGetProperty("runtime", out JsonElement runtime)
                    && runtime.EnumerateObject().Any(file => !file.Name.EndsWith("/_._", StringComparison.Ordinal));
                packages[name] = new NuGetPackage(name, version, linked || name == Runtime);
            }
            foreach (JsonElement framework in root.GetProperty("project").GetProperty("frameworks").EnumerateObject().Select(f => f.Value))
            {
                bool web = framework.TryGetProperty("frameworkReferences", out JsonElement references) && references.TryGetProperty(WebFramework, out _);
                foreach (JsonElement pack in framework.TryGetProperty("downloadDependencies", out JsonElement packs) ? packs.EnumerateArray() : default)
                {
                    string name = pack.GetProperty("name").GetString()!, range = pack.GetProperty("version").GetString()!; // "[10.0.12, 10.0.12]"
                    packages.TryAdd(name, new NuGetPackage(name, range.Trim('[', ']').Split(',')[0], name == Runtime || (name == WebServer && web)));
                }
            }
            return [.. packages.Values.OrderBy(p => p.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"the list of packages of {program} is not a project.assets.json: {e.Message}", e);
        }
    }

    private static (string Name, string Version) Split(string library) => library.Split('/') is [string name, string version] ? (name, version)
        : throw new InvalidOperationException($"{library} is not a name and a version");
}
