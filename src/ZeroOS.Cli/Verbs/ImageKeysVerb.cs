using System.CommandLine;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image keys: what signs images.</summary>
internal static class ImageKeysVerb
{
    public static Command Build(Terminal terminal)
    {
        Command keys = new("keys", "Keys that sign images.");
        Option<string> output = new("--output", "-o") { Required = true, HelpName = "DIR", Description = "a folder for them, made if it is not there; keep it where no node and no web server is" };
        Option<string> name = new("--name") { DefaultValueFactory = _ => "ZeroOS farm", HelpName = "TEXT", Description = "who signs, as your firmware's setup will show it" };
        Command make = new("new", "Make a Secure Boot key with its certificate, and a PCR key; never over existing ones.") { output, name };
        Session.Set(make, terminal, (_, parsed) =>
        {
            string folder = parsed.GetRequiredValue(output);
            NewKeys.Write(folder, parsed.GetValue(name)!, TimeProvider.System.GetUtcNow());
            TextWriter o = terminal.Out;
            o.WriteLine($"{Path.Combine(folder, NewKeys.SecureBootKey)}  signs EFI files; secret");
            o.WriteLine($"{Path.Combine(folder, NewKeys.Certificate)}  its certificate, for --secure-boot-certificate");
            o.WriteLine($"{Path.Combine(folder, NewKeys.EnrolledCertificate)}  the same for your firmware: copy it to a USB stick and enrol it under db (\"authorized signatures\") in the Secure Boot setup");
            o.WriteLine($"{Path.Combine(folder, NewKeys.PcrKey)}  signs what a TPM will measure; secret, and kept: what nodes sealed to their TPM opens only for images signed by it");
            return Task.FromResult(0);
        });
        keys.Add(make);
        return keys;
    }
}
