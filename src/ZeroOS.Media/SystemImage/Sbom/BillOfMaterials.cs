using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace ZeroOS.Media.SystemImage.Sbom;

/// <summary>
/// The bill of materials of an image: what is ours, what is Debian's, and every NuGet package of the four programs, with versions. It names what the image has,
/// not what the computer that built it had; the same image has the same bill, byte for byte.
/// </summary>
internal sealed class BillOfMaterials
{
    private const string Document = "SPDXRef-DOCUMENT";

    private readonly SortedDictionary<string, SpdxPackage> _packages = new(StringComparer.Ordinal);
    private readonly SortedSet<(string From, string Type, string To)> _relationships = [];
    private readonly string _version;
    private readonly string _image;

    /// <summary>Begins the bill of an image.</summary>
    /// <param name="version">Its version.</param>
    /// <param name="efi">zeroos.efi.</param>
    public BillOfMaterials(string version, ReadOnlySpan<byte> efi)
    {
        _version = version;
        _image = Add("ZeroOS", version, "the image: one EFI file, which the other media hold too", Convert.ToHexStringLower(SHA256.HashData(efi)));
        Relate(Document, "DESCRIBES", _image);
    }

    /// <summary>Adds one of our programs.</summary>
    /// <param name="name">Its file name.</param>
    /// <param name="content">Its file.</param>
    /// <param name="inImage">Whether it is in the image, or comes beside it.</param>
    /// <param name="packages">The NuGet packages it was built with.</param>
    public void AddProgram(string name, ReadOnlySpan<byte> content, bool inImage, IReadOnlyList<NuGetPackage> packages)
    {
        string program = Add(name, _version, "a program of ZeroOS, C# compiled ahead of time", Convert.ToHexStringLower(SHA256.HashData(content)));
        Relate(inImage ? _image : Document, inImage ? "CONTAINS" : "DESCRIBES", program);
        foreach (NuGetPackage package in packages)
        {
            string id = Id("nuget", package.Name, package.Version);
            _packages.TryAdd(id, new SpdxPackage
            {
                Id = id,
                Name = package.Name,
                VersionInfo = package.Version,
                Supplier = "NOASSERTION",
                ExternalRefs = [new SpdxReference("PACKAGE-MANAGER", "purl", $"pkg:nuget/{package.Name}@{package.Version}")],
            });
            if (package.InProgram)
                Relate(program, "CONTAINS", id);
            else
                Relate(id, "BUILD_TOOL_OF", program);
        }
    }

    /// <summary>Adds what is Debian's; programs it names must be there.</summary>
    /// <exception cref="InvalidDataException">It is in a program that is not.</exception>
    public void AddComponent(ImageComponent component)
    {
        string id = Id("debian", component.Package, component.Version);
        _packages[id] = new SpdxPackage
        {
            Id = id,
            Name = component.Package,
            VersionInfo = component.Version,
            Supplier = "Organization: Debian",
            Comment = component.What,
            SourceInfo = $"built by Debian from its source package {component.Source}",
            ExternalRefs = [new SpdxReference("PACKAGE-MANAGER", "purl",
                $"pkg:deb/debian/{component.Package}@{Uri.EscapeDataString(component.Version)}?arch=amd64&distro=bookworm")],
        };
        foreach (string holder in component.Holders)
        {
            string into = holder == ImageComponents.Image ? _image : Id("zeroos", holder, _version);
            if (!_packages.ContainsKey(into))
                throw new InvalidDataException($"image/components: {component.Package} is in {holder}, which is no program of ours");
            Relate(into, holder == ImageComponents.Image ? "CONTAINS" : "STATIC_LINK", id);
        }
    }

    /// <summary>The bytes of zeroos.spdx.json.</summary>
    /// <param name="time">That of the sources.</param>
    public byte[] ToJson(DateTimeOffset time)
    {
        SpdxDocument document = new()
        {
            Name = $"ZeroOS-{_version}",
            DocumentNamespace = $"https://spdx.org/spdxdocs/ZeroOS-{_version}-{_packages[_image].Checksums![0].ChecksumValue}",
            CreationInfo = new SpdxCreation(time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), [$"Tool: zos-{_version}"]),
            Packages = [.. _packages.Values],
            Relationships = [.. _relationships.Select(r => new SpdxRelationship(r.From, r.Type, r.To))],
        };
        return [.. JsonSerializer.SerializeToUtf8Bytes(document, SpdxJson.Default.SpdxDocument), (byte)'\n'];
    }

    private string Add(string name, string version, string comment, string sha256)
    {
        string id = Id("zeroos", name, version);
        _packages[id] = new SpdxPackage
        {
            Id = id,
            Name = name,
            VersionInfo = version,
            Supplier = "NOASSERTION",
            Comment = comment,
            Checksums = [new SpdxChecksum("SHA256", sha256)],
        };
        return id;
    }

    private void Relate(string from, string type, string to) => _relationships.Add((from, type, to));

    /// <summary>An SPDX identifier: letters, digits, dots and hyphens (specification, section 3.2).</summary>
    private static string Id(string kind, string name, string version) =>
        "SPDXRef-" + string.Concat($"{kind}-{name}-{version}".Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-'));
}
