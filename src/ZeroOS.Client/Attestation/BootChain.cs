using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

using ZeroOS.Contracts.Release;
using ZeroOS.Formats.Tpm.EventLog;

namespace ZeroOS.Client.Attestation;

/// <summary>
/// What a true event log says was started. Only digests are covered by the quote: neither an event's type nor its data is, so every event of PCR 4 must be
/// accounted for by its digest, whatever it calls itself [a boot kit relabelled as a sentence of the firmware].
/// </summary>
public static class BootChain
{
    private const int Started = 4, SecureBootPcr = 7, MaxSentenceBytes = 96;

    private static readonly byte[] s_separator = SHA256.HashData(new byte[4]);

    /// <summary>Whether nothing but the image was started from outside the firmware, and it was.</summary>
    public static Finding Check(MeasuredBootLog log, Measurements image, IReadOnlyList<string> accepted)
    {
        Dictionary<int, string> places = LoadedImage.Applications(log)
            .Zip(log.Events.Where(e => e is { Pcr: Started, Type: EventType.EfiBootServicesApplication }))
            .ToDictionary(p => p.Second.Index, p => p.First.Where);
        bool started = false;
        List<string> others = [], allowed = [];
        foreach (MeasuredEvent e in log.Events.Where(e => e is { Pcr: Started, IsExtended: true }))
        {
            string digest = Convert.ToHexStringLower(e.Sha256);
            if (Same(digest, image.Efi.Authenticode))
                started = true;
            else if (accepted.Any(a => Same(digest, a)))
                allowed.Add($"{places.GetValueOrDefault(e.Index, "a file")} ({digest})");
            // The kernel counts only behind the image's own file: started alone it runs whatever it is given, which can then extend every register as the image
            // would have.
            else if (!(started && Same(digest, image.Linux.Authenticode)) && !e.Sha256.SequenceEqual(s_separator) && !IsSentence(e))
                others.Add($"{places.GetValueOrDefault(e.Index, "something")} ({digest})");
        }
        if (!started)
            return new Finding("started", Verdict.Fails,
                $"the firmware did not start the file of ZeroOS {image.Version} but {(others.Count > 0 ? string.Join(", ", others) : "nothing")}",
                Reasons.WrongImage);
        if (others.Count > 0)
            return new Finding("started", Verdict.Fails,
                $"besides ZeroOS {image.Version} the firmware started {string.Join(", ", others)}; if you know it: --accept HASH", Reasons.UnknownBootFile);
        return new Finding("started", Verdict.Holds, $"the firmware started the file of ZeroOS {image.Version} and "
            + $"{(allowed.Count > 0 ? $"what was accepted: {string.Join(", ", allowed)}" : "nothing else")}");
    }

    /// <summary>Files that were started, for a person who gave nothing to compare with.</summary>
    public static string Describe(MeasuredBootLog log) =>
        string.Join(", ", LoadedImage.Applications(log).Select(a => $"{a.Where} ({Convert.ToHexStringLower(a.Digest)})").DefaultIfEmpty("nothing"));

    /// <summary>Whether Secure Boot was on, and whose keys it lets start, as the firmware measured it before it let anything else run.</summary>
    public static Finding SecureBoot(MeasuredBootLog log)
    {
        bool? on = null;
        List<string> names = [];
        foreach (MeasuredEvent e in log.Events.Where(e => e is { Pcr: SecureBootPcr, IsExtended: true }))
        {
            if (e.Sha256.SequenceEqual(s_separator))
                break; // what comes later is not the firmware's word about its own start
            if (!FirmwareVariable.TryRead(e, out FirmwareVariable? variable))
                continue;
            if (variable.Vendor == FirmwareVariable.Global && variable.Name == "SecureBoot")
                on ??= variable.Content.Span.SequenceEqual((ReadOnlySpan<byte>)[1]);
            else if (variable.Vendor == FirmwareVariable.ImageSecurity && variable.Name == "db")
                names.AddRange(variable.Certificates().Select(Subject));
        }
        return new Finding("secure boot", on is null ? Verdict.Open : Verdict.Holds, on switch
        {
            true => $"on; it starts what is signed under {(names.Count > 0 ? string.Join(" or ", names) : "no certificate")}",
            false => "off",
            _ => "the firmware says nothing about it",
        });
    }

    /// <summary>Drivers from cards and disks that the firmware ran before anything else.</summary>
    public static int Drivers(MeasuredBootLog log) => log.Events.Count(e => e is { Pcr: 2, IsExtended: true } && !e.Sha256.SequenceEqual(s_separator));

    // Printable text whose hash is the digest: no file that can be started is text from its first to its last byte.
    private static bool IsSentence(MeasuredEvent e) =>
        e.Data.Length is > 0 and <= MaxSentenceBytes && e.DataIsMeasured && !e.Data.Span.ContainsAnyExceptInRange((byte)' ', (byte)'~');

    private static bool Same(string digest, string other) => digest.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static string Subject(ReadOnlyMemory<byte> der)
    {
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der.Span);
            return $"\"{certificate.Subject}\"";
        }
        catch (CryptographicException)
        {
            return "a certificate that cannot be read";
        }
    }
}
