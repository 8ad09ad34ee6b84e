using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Media.SystemImage;
using ZeroOS.Media.SystemImage.Inspect;
using ZeroOS.Media.SystemImage.Media;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image build: an image from built parts, or one with farm settings from one without.</summary>
internal static class ImageBuildVerb
{
    public static Command Build(Terminal terminal)
    {
        Option<string> output = new("--output", "-o") { Required = true, HelpName = "DIR", Description = "folder to write the image to" };
        Option<string> image = new("--image") { HelpName = "DIR", Description = "folder of a finished image (make image), to add farm settings to" };
        Option<string> farm = new("--farm")
        {
            HelpName = "FILE",
            Description = "farm settings (zos farm new) to add to each medium of --image; the signed system does not change"
        };
        Option<string> repository = new("--repository") { DefaultValueFactory = _ => ".", HelpName = "DIR", Description = "checkout of the ZeroOS repository" };
        Option<string> parts = new("--parts") { HelpName = "DIR", Description = "folder of built programs, kernels, templates and boot loaders to assemble" };
        Option<string> version = new("--release-version") { HelpName = "X.Y.Z", Description = "version of the image (default: that of this program)" };
        Option<string> releaseKeys = new("--release-keys")
        {
            HelpName = "FILE",
            Description = "key ids that may sign releases (default: image/release-keys of the checkout)"
        };
        Option<string> console = new("--console") { HelpName = "NAME", Description = "also send kernel messages to this console, for example ttyS0,115200" };
        Option<string> append = new("--append") { HelpName = "WORDS", Description = "add words to the kernel's command line; they are signed with the image" };
        Option<bool> quick = new("--quick") { Description = "compress less: a larger image, built in seconds" };
        Command build = new("build", "Add farm settings to an image (--image DIR --farm FILE), or assemble an image from built parts (--parts DIR).")
        {
            image, farm, output, repository, parts, version, releaseKeys, console, append, quick,
        };
        SigningOptions signing = new();
        signing.AddTo(build);
        Session.Set(build, terminal, (session, parsed) =>
        {
            string into = parsed.GetRequiredValue(output);
            IReadOnlyList<ImageFile> files = (parsed.GetValue(parts), parsed.GetValue(image), parsed.GetValue(farm)) switch
            {
                (string from, null, null) => FromParts(from),
                (null, string from, string settings) => WithSettings(session, from, settings, into),
                _ => throw new CliException("say either --parts DIR, or --image DIR and --farm FILE", CliException.Usage),
            };
            Write(session, files);
            return Task.FromResult(0);

            IReadOnlyList<ImageFile> FromParts(string from)
            {
                using SigningKeys keys = signing.Read(session, parsed);
                new ImageBuilder(parsed.GetValue(repository)!, from, into)
                {
                    Version = parsed.GetValue(version) ?? typeof(ImageBuildVerb).Assembly.GetName().Version!.ToString(3),
                    ReleaseKeys = parsed.GetValue(releaseKeys),
                    Console = parsed.GetValue(console),
                    Append = parsed.GetValue(append),
                    Quick = parsed.GetValue(quick),
                    Keys = keys,
                }.Build();
                return MediaBuilder.Build(into, Path.Combine(from, "boot"), SourceDate.OfEnvironment());
            }
        }, lasting: true);
        return build;
    }

    private static IReadOnlyList<ImageFile> WithSettings(Session session, string from, string farm, string into)
    {
        byte[] document = SettingsBuilder.ReadSettings(farm);
        using ProgressLine progress = new(session.Terminal, TimeProvider.System);
        return SettingsBuilder.Build(from, into, document, progress.Show);
    }

    private static void Write(Session session, IReadOnlyList<ImageFile> files)
    {
        foreach (ImageFile file in files)
        {
            if (session.Json)
                session.WriteJson(file, ImageFactsJson.Default.ImageFile);
            else
                session.Terminal.Out.WriteLine($"{file.Sha256}  {file.File}  {file.Bytes} bytes");
        }
    }
}
