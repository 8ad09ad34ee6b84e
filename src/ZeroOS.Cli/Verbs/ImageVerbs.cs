using System.CommandLine;

using ZeroOS.Cli.Image;
using ZeroOS.Cli.Output;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image: what farmers boot.</summary>
internal static class ImageVerbs
{
    public static Command Build(Terminal terminal)
    {
        Command image = new("image", "Bootable images of ZeroOS, for farmers.");
        Option<string> repository = new("--repository") { DefaultValueFactory = _ => ".", HelpName = "DIR", Description = "a checkout of ZeroOS" };
        Option<string> parts = new("--parts") { Required = true, HelpName = "DIR", Description = "built programs, kernels and templates" };
        Option<string> output = new("--output", "-o") { Required = true, HelpName = "DIR", Description = "where to write the image" };
        Command build = new("build", "Put the built parts together.") { repository, parts, output };
        Session.Set(build, terminal, (_, parsed) =>
        {
            string version = typeof(ImageVerbs).Assembly.GetName().Version?.ToString(3) ?? "0";
            ImageBuilder builder = new(parsed.GetValue(repository)!, parsed.GetRequiredValue(parts), parsed.GetRequiredValue(output));
            foreach ((string file, long bytes) in builder.Build(version))
                terminal.Out.WriteLine($"{file}  {bytes} bytes");
            return Task.FromResult(0);
        }, lasting: true);
        image.Add(build);
        return image;
    }
}
