namespace ZeroOS.Media.SystemImage.Sbom;

/// <summary>Something of Debian's that is in what we publish.</summary>
/// <param name="Package">The binary package it was taken from.</param>
/// <param name="Version">Its version.</param>
/// <param name="Source">The source package and version it was built from.</param>
/// <param name="Holders">What contains it: "image", or programs that have it linked in.</param>
/// <param name="What">For people.</param>
internal sealed record ImageComponent(string Package, string Version, string Source, IReadOnlyList<string> Holders, string What);

/// <summary>Reads image/components, the list of what is Debian's in an image, and the versions that were installed when it was built.</summary>
internal static class ImageComponents
{
    /// <summary>The word for the image as a whole among the holders.</summary>
    public const string Image = "image";

    /// <summary>The components in the order of their list.</summary>
    /// <param name="list">image/components: "PACKAGE HOLDER[,HOLDER] what it is"; # begins a comment.</param>
    /// <param name="versions">One line a package: "PACKAGE VERSION SOURCE SOURCE-VERSION", as dpkg-query says it.</param>
    /// <exception cref="InvalidDataException">A line that is none, or a package that is not installed.</exception>
    public static IReadOnlyList<ImageComponent> Read(string list, string versions)
    {
        Dictionary<string, string[]> installed = versions.Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(w => w.Length == 4)
            .DistinctBy(w => w[0]).ToDictionary(w => w[0]);
        List<ImageComponent> components = [];
        foreach (string line in list.Split('\n').Select(l => l.Split('#')[0].Trim()).Where(l => l.Length > 0))
        {
            if (line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries) is not [string package, string holders, string what])
                throw new InvalidDataException($"image/components: expected \"PACKAGE HOLDERS what it is\", found \"{line}\"");
            if (!installed.TryGetValue(package, out string[]? found))
                throw new InvalidDataException($"image/components: {package} is not among the installed packages; \"make image\" asks for their versions");
            components.Add(new ImageComponent(package, found[1], $"{found[2]} {found[3]}", holders.Split(','), what.TrimStart()));
        }
        return components;
    }
}
