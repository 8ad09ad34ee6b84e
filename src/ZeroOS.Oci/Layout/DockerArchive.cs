using ZeroOS.Flist;
using ZeroOS.Formats.Tar;

namespace ZeroOS.Oci.Layout;

/// <summary>An image in the archive of `docker save` or skopeo's docker-archive: `manifest.json` names config and layers by file.</summary>
internal static class DockerArchive
{
    /// <exception cref="FlistBuildException">There is no such image in it, or it is not what it says.</exception>
    internal static ImageSource Open(StoredFiles files, string? tag)
    {
        List<DockerArchiveImage> images = OciJson.Read(files.ReadAll("manifest.json"), OciJson.Default.ListDockerArchiveImage, "manifest.json");
        DockerArchiveImage image = Choose(images, tag);
        byte[] config = files.ReadAll(Name(image.Config, "a config"));
        List<string> layers = image.Layers ?? [];
        List<Sha256Digest> diffIds = OciLayout.DiffIds(config, layers.Count);
        return new ImageSource
        {
            Config = config,
            ConfigType = ImageSource.DockerConfigMediaType,
            Layers = [.. layers.Select((layer, i) =>
            {
                string name = Name(layer, "a layer");
                return new LayerSource { Name = TarPath.Printable(name), Open = () => files.Open(name), HasWhiteouts = true, DiffId = diffIds[i] };
            })],
        };
    }

    private static DockerArchiveImage Choose(List<DockerArchiveImage> images, string? tag)
    {
        // As in Docker, a name without a tag means latest.
        List<DockerArchiveImage> matching = [.. images.Where(i => i is not null
            && (tag is null || (i.RepoTags ?? []).Exists(t => t == tag || t == tag + ":latest")))];
        if (matching.Count == 1)
            return matching[0];
        string there = "it has " + string.Join(", ", images.SelectMany(i => i?.RepoTags ?? []));
        throw new FlistBuildException(tag is null
            ? $"say which image of the archive, as docker-archive:FILE:NAME; {there}"
            : $"the archive has no image \"{tag}\"; {there}");
    }

    private static string Name(string? name, string what)
    {
        try
        {
            return TarPath.Normalise(name ?? throw new FlistBuildException($"the archive's manifest.json lacks {what}"));
        }
        catch (TarException e)
        {
            throw new FlistBuildException($"the archive's manifest.json names {what} badly: {e.Message}", e);
        }
    }
}
