using System.CommandLine;

using ZeroOS.Cli.Sessions;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Cli.Verbs;

/// <summary>The options that name an image's signing keys, the same for every verb that makes one.</summary>
internal sealed class SigningOptions
{
    private readonly Option<string> _key = new("--secure-boot-key") { HelpName = "FILE", Description = "RSA key that signs the EFI file for firmware with Secure Boot (PEM; under a passphrase: asked, or ZOS_PASSPHRASE)" };
    private readonly Option<string> _certificate = new("--secure-boot-certificate") { HelpName = "FILE", Description = "its certificate, which the firmware knows (PEM)" };
    private readonly Option<string> _pcrKey = new("--pcr-key") { HelpName = "FILE", Description = "RSA-2048 key that signs what a TPM will measure, so that secrets sealed under it open for this image and its successors (PEM)" };

    /// <summary>Whether a key for Secure Boot was named.</summary>
    public bool NamesKey(ParseResult parsed) => parsed.GetValue(_key) is not null;

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command command)
    {
        foreach (Option<string> option in (Option<string>[])[_key, _certificate, _pcrKey])
            command.Add(option);
    }

    /// <summary>Reads the keys that were named; their owner disposes of them.</summary>
    public SigningKeys Read(Session session, ParseResult parsed) =>
        SigningKeys.Load(parsed.GetValue(_key), parsed.GetValue(_certificate), parsed.GetValue(_pcrKey), session.AskPassphrase);
}
