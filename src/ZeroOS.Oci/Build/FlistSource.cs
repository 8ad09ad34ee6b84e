using ZeroOS.Oci.Layout;

namespace ZeroOS.Oci.Build;

/// <summary>Names what a flist is built from, as a person types it.</summary>
public sealed class FlistSource
{
    private readonly Func<ImageSource> _open;

    private FlistSource(string text, Func<ImageSource> open)
    {
        Text = text;
        _open = open;
    }

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>
    /// Reads `oci:DIRECTORY[:TAG]` (also a tar of the layout), `docker-archive:FILE[:NAME]`, `rootfs:PATH` (directory or tar) or `tar:FILE`.
    /// Nothing is opened yet.
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
            "rootfs" or "tar" => new FlistSource(text, () => RootfsSource.Open(rest)),
            _ => throw new FormatException($"\"{text}\" is not oci:DIRECTORY[:TAG], docker-archive:FILE[:NAME], rootfs:PATH or tar:FILE."),
        };

        FlistSource Tagged(Func<StoredFiles, string?, ImageSource> open) => new(text, () =>
        {
            (string path, string? tag) = SplitTag(rest);
            if (!Path.Exists(path))
                throw new FlistBuildException($"there is no {path}");
            return open(new StoredFiles(path), tag);
        });
    }

    internal ImageSource Open() => _open();

    /// <summary>A path may hold colons too: what exists as a whole is a path.</summary>
    private static (string Path, string? Tag) SplitTag(string text)
    {
        int colon = text.IndexOf(':');
        return colon < 0 || Path.Exists(text) ? (text, null) : (text[..colon], text[(colon + 1)..]);
    }
}
