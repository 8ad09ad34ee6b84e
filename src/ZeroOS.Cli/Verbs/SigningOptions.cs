using System.CommandLine;

using ZeroOS.Cli.Sessions;
using ZeroOS.Media.SystemImage.Signing;

namespace ZeroOS.Cli.Verbs;

/// <summary>The options that name an image's signing keys, the same for every verb that makes one.</summary>
internal sealed class SigningOptions
{
    private readonly Option<string> _key = new("--secure-boot-key")
    {
        HelpName = "FILE",
        Description = "RSA key (PEM) that signs the EFI file for Secure Boot; its passphrase is asked, or taken from ZOS_PASSPHRASE"
    };
    private readonly Option<string> _certificate = new("--secure-boot-certificate")
    {
        HelpName = "FILE",
        Description = "certificate (PEM) of the Secure Boot key, enrolled in the firmware"
    };
    private readonly Option<string> _pcrKey = new("--pcr-key")
    {
        HelpName = "FILE",
        Description = "RSA-2048 key (PEM) that signs the expected TPM measurements, so that sealed secrets open for this image and its successors"
    };

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
