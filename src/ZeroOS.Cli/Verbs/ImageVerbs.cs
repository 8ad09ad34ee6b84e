using System.CommandLine;

using ZeroOS.Cli.Output;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image: what farmers boot.</summary>
internal static class ImageVerbs
{
    public static Command Build(Terminal terminal)
    {
        Command image = new("image", "Build, flash, serve, sign and inspect system images.");
        image.Add(ImageBuildVerb.Build(terminal));
        image.Add(ImageInspectVerb.Build(terminal));
        image.Add(ImageSignVerbs.Sign(terminal));
        image.Add(ImageSignVerbs.Seal(terminal));
        image.Add(ImageKeysVerb.Build(terminal));
        image.Add(ImageServeVerb.Build(terminal));
        image.Add(ImageFlashVerb.Build(terminal));
        return image;
    }
}
