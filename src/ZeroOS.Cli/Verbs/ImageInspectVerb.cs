using System.CommandLine;
using System.Globalization;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Media.SystemImage.Inspect;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos image inspect: what an image is, and whose.</summary>
internal static class ImageInspectVerb
{
    public static Command Build(Terminal terminal)
    {
        Argument<string> path = new("FILE") { Description = "EFI file, disk image, ISO image, or folder written by make image" };
        Command command = new("inspect",
            "Show version, digest, partitions, signature and farm settings of a system image. A folder is checked against its SHA256SUMS.")
        {
            path
        };
        Session.Set(command, terminal, (session, parsed) =>
        {
            ImageFacts facts = ImageInspector.Inspect(parsed.GetRequiredValue(path));
            if (session.Json)
                session.WriteJson(facts, ImageFactsJson.Default.ImageFacts);
            else
                Write(terminal.Out, facts);
            return Task.FromResult(0);
        }, lasting: true);
        return command;
    }

    private static void Write(TextWriter o, ImageFacts facts)
    {
        string kind = facts.Kind switch { "efi" => "EFI file", "disk" => "disk image", "iso" => "ISO image", _ => "image folder" };
        o.WriteLine($"{Terminal.Clean(facts.Path)}: {kind}, {Count(facts.Bytes)} bytes");
        if (facts.Sha256 is not null)
            o.WriteLine($"  sha256     {facts.Sha256}");
        foreach (PartitionFacts p in facts.Partitions)
            o.WriteLine($"  partition  {p.Number} \"{Terminal.Clean(p.Name)}\", {p.Type}, {Count(p.Bytes)} bytes at {Count(p.Offset)}, id {p.Id}"
                + $"{(p.LegacyBootable ? ", starts from BIOS" : "")}");
        foreach (EfiFacts efi in facts.Systems)
            Write(o, efi, facts.Kind == "efi");
        foreach (SettingsFacts settings in facts.Settings)
            Write(o, settings);
        if (facts is { Settings.Count: 0, Kind: not ("efi" or "folder") })
            o.WriteLine("  settings   none: a node that boots this belongs to nobody yet (zos image build --farm puts them beside it)");
        foreach (ImageFacts medium in facts.Media)
            Write(o, medium);
        if (facts.Files.Count > 0)
            o.WriteLine($"  checksums  {facts.Files.Count} files are those that SHA256SUMS names");
    }

    private static void Write(TextWriter o, EfiFacts efi, bool alone)
    {
        o.WriteLine($"  system     {(alone ? "" : Terminal.Clean(efi.Path) + ": ")}ZeroOS {Terminal.Clean(efi.Version ?? "of no version")}"
            + $"{(alone ? "" : $", {Count(efi.Bytes)} bytes, sha256 {efi.Sha256}")}");
        o.WriteLine(
            $"  digest     {Terminal.Clean(efi.ImageDigest ?? "none")}{(efi.SourceTime is null ? "" : $", of sources of {Terminal.Clean(efi.SourceTime)}")}");
        o.WriteLine($"  kernel     {Terminal.Clean(efi.CommandLine)}");
        if (efi.Trust is not TrustFacts trust)
        {
            o.WriteLine("  signed     cannot be told: its sections or its signature are not as firmware expects them");
            return;
        }
        if (trust.Signatures.Count == 0)
            o.WriteLine("  signed     no");
        foreach (SignatureFacts signature in trust.Signatures)
            o.WriteLine($"  signed     for Secure Boot by {Terminal.Clean(signature.By)} (certificate sha256 {signature.Certificate})"
                + $"{(signature.Valid ? "" : ": NOT VALID, the file was changed")}");
        o.WriteLine($"  measured   as {trust.Authenticode} (PCR 4), the kernel inside as {trust.KernelAuthenticode}");
        o.WriteLine($"  PCR 11     {trust.Pcr11}" + trust.PcrPolicyHolds switch
        {
            true => $", signed by key {trust.PcrSigningKey}",
            false => ", with a policy that does NOT HOLD",
            null => ", not signed"
        });
        if (efi.Sealed is not null)
            Write(o, efi.Sealed);
    }

    private static void Write(TextWriter o, SettingsFacts settings)
    {
        string what = settings.Farm is null ? "no farm settings"
            : $"farm \"{Terminal.Clean(settings.Farm)}\" ({settings.FarmId}), version {settings.Version}, owners {string.Join(' ', settings.Owners)}";
        o.WriteLine($"  settings   {Terminal.Clean(settings.Path)}: {what}{(settings.Fault is null ? "" : $"; a node would refuse them: {settings.Fault}")}");
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
