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
        Option<string> output = new("--output", "-o") { Required = true, HelpName = "DIR", Description = "where to write the image" };
        Option<string> image = new("--image") { HelpName = "DIR", Description = "an image as \"make image\" writes it, to put farm settings beside" };
        Option<string> farm = new("--farm") { HelpName = "FILE", Description = "farm settings (zos farm new), put on every medium of --image; the system stays as it is, signature and all" };
        Option<string> repository = new("--repository") { DefaultValueFactory = _ => ".", HelpName = "DIR", Description = "a checkout of ZeroOS" };
        Option<string> parts = new("--parts") { HelpName = "DIR", Description = "built programs, kernels, templates and boot loaders, to make an image of" };
        Option<string> version = new("--release-version") { HelpName = "X.Y.Z", Description = "the version the image says it is (default: that of this program)" };
        Option<string> releaseKeys = new("--release-keys") { HelpName = "FILE", Description = "key ids whose signatures make a release (default: image/release-keys of the checkout)" };
        Option<string> console = new("--console") { HelpName = "NAME", Description = "kernel messages go there too: ttyS0,115200 for a machine whose screen is a serial line" };
        Option<string> append = new("--append") { HelpName = "WORDS", Description = "more words for the kernel's command line, part of the image and signed with it: for hardware that needs one" };
        Option<bool> quick = new("--quick") { Description = "compress less: an image that is larger and made in seconds, to try something out" };
        Command build = new("build", "Put farm settings beside an image (--image DIR --farm FILE), or put built parts together (--parts DIR).")
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
