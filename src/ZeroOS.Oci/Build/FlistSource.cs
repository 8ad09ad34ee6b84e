using ZeroOS.Oci.Layout;

namespace ZeroOS.Oci.Build;

/// <summary>Names what a flist is built from, as a person types it.</summary>
public sealed class FlistSource
{
    private readonly Func<Func<string>, ImageSource> _open;

    private FlistSource(string text, Func<Func<string>, ImageSource> open)
    {
        Text = text;
        _open = open;
    }

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>
    /// Reads `oci:DIRECTORY[:TAG]` (also a tar of the layout), `docker-archive:FILE[:NAME]` (both also compressed), `rootfs:PATH` (directory or tar) or
    /// `tar:FILE`. Nothing is opened yet.
    /// </summary>
    /// <exception cref="FormatException">The text has none of these forms.</exception>
    public static FlistSource Parse(string text)
    {
        int colon = text.IndexOf(':');
        string scheme = colon < 0 ? "" : text[..colon], rest = text[(colon + 1)..];
        if (rest.Length == 0)
            scheme = "";
        return scheme switch
        {
            "oci" or "oci-archive" => Tagged((files, tag) => OciLayout.Open(files, tag)),
            "docker-archive" => Tagged((files, tag) => DockerArchive.Open(files, tag)),
            "rootfs" or "tar" => new FlistSource(text, _ => RootfsSource.Open(rest)),
            _ => throw new FormatException($"\"{text}\" is not oci:DIRECTORY[:TAG], docker-archive:FILE[:NAME], rootfs:PATH or tar:FILE."),
        };

        FlistSource Tagged(Func<StoredFiles, string?, ImageSource> open) => new(text, scratch =>
        {
            (string path, string? tag) = SplitTag(rest);
            if (!Path.Exists(path))
                throw new FlistBuildException($"there is no {path}");
            return open(new StoredFiles(path, scratch), tag);
        });
    }

    /// <summary>Opens the image; a compressed archive is unpacked into the directory that <paramref name="scratch"/> gives.</summary>
    internal ImageSource Open(Func<string> scratch) => _open(scratch);

    /// <summary>A path may hold colons too, and so may a tag: the longest part that exists is the path.</summary>
    private static (string Path, string? Tag) SplitTag(string text)
    {
        if (Path.Exists(text))
            return (text, null);
        for (int colon = text.LastIndexOf(':'); colon > 0; colon = text.LastIndexOf(':', colon - 1))
        {
            if (Path.Exists(text[..colon]))
                return (text[..colon], text[(colon + 1)..]);
        }
        return (text, null);
    }
}
