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
        Command keys = new("keys", "Manage keys that sign system images.");
        Option<string> output = new("--output", "-o")
        {
            Required = true,
            HelpName = "DIR",
            Description = "folder to write them to; keep it away from nodes and web servers"
        };
        Option<string> name = new("--name")
        {
            DefaultValueFactory = _ => "ZeroOS farm",
            HelpName = "TEXT",
            Description = "name of the signer, shown in the firmware's setup"
        };
        Command make = new("new", "Create a Secure Boot key with its certificate, and a PCR key; existing ones are never overwritten.") { output, name };
        Session.Set(make, terminal, (_, parsed) =>
        {
            string folder = parsed.GetRequiredValue(output);
            NewKeys.Write(folder, parsed.GetValue(name)!, TimeProvider.System.GetUtcNow());
            TextWriter o = terminal.Out;
            o.WriteLine($"{Path.Combine(folder, NewKeys.SecureBootKey)}  signs EFI files; secret");
            o.WriteLine($"{Path.Combine(folder, NewKeys.Certificate)}  its certificate, for --secure-boot-certificate");
            o.WriteLine($"{Path.Combine(folder, NewKeys.EnrolledCertificate)}  the same for your firmware: copy it to a USB stick "
                + "and enrol it under db (\"authorized signatures\") in the Secure Boot setup");
            o.WriteLine($"{Path.Combine(folder, NewKeys.PcrKey)}  signs what a TPM will measure; secret, and kept: "
                + "what nodes sealed to their TPM opens only for images signed by it");
            return Task.FromResult(0);
        });
        keys.Add(make);
        return keys;
    }
}
