namespace ZeroOS.Oci.Layout;

/// <summary>
/// A root file system without an image around it: a directory or a tar. It gets the smallest config there is, so whoever runs it names the command.
/// </summary>
internal static class RootfsSource
{
    internal static ImageSource Open(string path)
    {
        bool directory = Directory.Exists(path);
        if (!directory && !File.Exists(path))
            throw new FlistBuildException($"there is no {path}");
        return new ImageSource
        {
            Config = """{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"""u8.ToArray(),
            Layers = [new LayerSource { Name = path, Directory = directory ? path : null, Open = () => File.OpenRead(path) }],
        };
    }
}
