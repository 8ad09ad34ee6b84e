using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;

namespace ZeroOS.Cli.Verbs;

/// <summary>The farm's recovery key as zos farm new printed it, from a file, from standard input, or asked for.</summary>
internal static class RecoveryKeyFile
{
    private const int MaxBytes = 4096;

    /// <summary>The seed; <paramref name="source"/> is a path, "-", or null to ask.</summary>
    /// <exception cref="CliException">There is none, or it is none.</exception>
    public static byte[] Read(Session session, string? source)
    {
        string? text = source switch
        {
            "-" => Console.In.ReadLine(),
            not null when new FileInfo(source).Length > MaxBytes => "",
            not null => File.ReadAllText(source),
            _ when session.Terminal.Interactive => session.Terminal.Ask("The farm's recovery key, not shown, like a passphrase: "),
            _ => throw new CliException("give the farm's recovery key: --recovery-key FILE, or - for standard input", CliException.Usage),
        };
        byte[] seed = new byte[Crypto.KeyBytes];
        return Base58.TryDecode(text?.Trim() ?? "", seed) ? seed
            : throw new CliException("that is not a recovery key: 43 or 44 characters of base58, as \"zos farm new\" printed them");
    }
}
