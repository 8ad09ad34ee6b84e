namespace ZeroOS.SystemTests.Bench;

/// <summary>The Secure Boot key of Debian's OVMF that everybody has: the firmware of <c>qemu/run --firmware secure</c> trusts it and nothing else.</summary>
internal static class Snakeoil
{
    private const string LockedKey = "/usr/share/ovmf/PkKek-1-snakeoil.key";

    /// <summary>Its certificate, PEM.</summary>
    public const string Certificate = "/usr/share/ovmf/PkKek-1-snakeoil.pem";

    /// <summary>Why nothing can be signed here, or null.</summary>
    public static string? Missing { get; } = !File.Exists(LockedKey) ? "ovmf is not installed"
        : !File.Exists("/usr/bin/sbsign") ? "sbsigntool is not installed" : null;

    /// <summary>Its private key, PEM, without the pass phrase that it has in Debian.</summary>
    public static async Task<string> Key()
    {
        string file = Checkout.Path("out", "system-tests", "snakeoil.key");
        if (File.Exists(file))
            return file;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        (await Command.Run("openssl", ["rsa", "-in", LockedKey, "-passin", "pass:snakeoil", "-out", file], TimeSpan.FromSeconds(20))).Ok();
        return file;
    }

    /// <summary>Signs an EFI file into another one.</summary>
    public static async Task Sign(string file, string signed) =>
        (await Command.Run("sbsign", ["--key", await Key(), "--cert", Certificate, "--output", signed, file], TimeSpan.FromSeconds(60))).Ok();
}
