using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Release;
using ZeroOS.Media.SystemImage.Media;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image sign and seal: a finished image under keys of one's own.</summary>
internal static class ImageSignVerbs
{
    /// <summary>zos image sign: the same image, for firmware that trusts another key.</summary>
    public static Command Sign(Terminal terminal)
    {
        Option<string> image = Image(), output = Output();
        SigningOptions signing = new();
        Command command = new("sign", "Sign a finished image with a key that your firmware trusts (zos image keys new). Nothing else changes.")
        {
            image, output
        };
        signing.AddTo(command);
        Session.Set(command, terminal, (session, parsed) =>
        {
            if (!signing.NamesKey(parsed))
                throw new CliException("sign with what? Say --secure-boot-key and --secure-boot-certificate; zos image keys new makes both",
                    CliException.Usage);
            using SigningKeys keys = signing.Read(session, parsed);
            FinishedImage finished = FinishedImage.Open(parsed.GetRequiredValue(image));
            Write(session, parsed.GetRequiredValue(output), finished.Sign(keys), keys);
            return Task.FromResult(0);
        }, lasting: true);
        return command;
    }

    /// <summary>zos image seal: an image of one farm, for nodes that boot from the network and have no medium that settings could be on.</summary>
    public static Command Seal(Terminal terminal)
    {
        Option<string> image = Image(), output = Output();
        Option<string> farm = new("--farm") { Required = true, HelpName = "FILE", Description = "farm settings (zos farm new) to embed" };
        SigningOptions signing = new();
        Command command = new("seal", "Embed farm settings in a finished image and sign it, for nodes that boot from the network. "
            + "Secure Boot then keeps others from changing their owner.")
        {
            image, farm, output,
        };
        signing.AddTo(command);
        Session.Set(command, terminal, (session, parsed) =>
        {
            using SigningKeys keys = signing.Read(session, parsed);
            byte[] settings = SettingsBuilder.ReadSettings(parsed.GetRequiredValue(farm));
            FinishedImage finished = FinishedImage.Open(parsed.GetRequiredValue(image));
            Write(session, parsed.GetRequiredValue(output), finished.Seal(settings, keys), keys);
            if (!keys.SignsFile)
                terminal.Error.WriteLine(
                    "The image is not signed: whoever can answer your node on the network can give it another owner. --secure-boot-key prevents that.");
            if (finished.HasPolicy && !keys.SignsPcr)
                terminal.Error.WriteLine("The release's TPM policy does not fit the image any longer and is left out: "
                    + "nodes that boot it seal nothing to their TPM. --pcr-key makes a policy of yours.");
            return Task.FromResult(0);
        }, lasting: true);
        return command;
    }

    private static Option<string> Image() => new("--image") { Required = true, HelpName = "FILE", Description = "EFI file of a release (zeroos.efi)" };

    private static Option<string> Output() =>
        new("--output", "-o") { Required = true, HelpName = "FILE", Description = "file to write the new EFI file to; its measurements are written beside it" };

    private static void Write(Session session, string path, BootImage image, SigningKeys keys)
    {
        string measurements = (path.EndsWith(".efi", StringComparison.OrdinalIgnoreCase) ? path[..^4] : path) + ".measurements.json";
        // The new file may replace the one it was made from: there is always a whole one.
        File.WriteAllBytes(path + ".new", image.Efi);
        File.WriteAllBytes(measurements, image.MeasurementsJson());
        File.Move(path + ".new", path, overwrite: true);
        if (session.Json)
        {
            session.WriteJson(image.Measurements, ReleaseJson.Default.Measurements);
            return;
        }
        session.Terminal.Out.WriteLine(
            $"{path}  {image.Efi.Length} bytes, {(keys.SignsFile ? "signed" : "not signed")}, sha256:{image.Measurements.Efi.Sha256}");
        session.Terminal.Out.WriteLine($"{measurements}");
    }
}
