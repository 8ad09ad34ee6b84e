using System.CommandLine;
using System.Text.Json;

using ZeroOS.Bus.Keys;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Attestation;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos node attest: has the node's TPM prove what the node booted.</summary>
internal static class NodeAttestVerb
{
    private const int MaxFileBytes = 1 << 20;

    public static Command Build(Terminal terminal, Argument<string?> name)
    {
        Option<string?> measurements = new("--measurements")
        {
            HelpName = "FILE",
            Description = "measurements.json of the expected release; without it no image is verified"
        };
        Option<string?> farm = new("--farm") { HelpName = "FILE", Description = "expected farm settings (default: report, do not check)" };
        Option<string?> authorities = new("--ek-ca") { HelpName = "FILE", Description = "PEM file of TPM makers' CA certificates; require one" };
        Option<string[]> accept = new("--accept")
        {
            HelpName = "HASH",
            Description = "accept a file that runs before the image, by Authenticode SHA-256 (iPXE, a boot menu)"
        };
        Option<string?> save = new("--save") { HelpName = "FILE", Description = "store the evidence in FILE so that others can check it" };
        Option<bool> newTpm = new("--new-tpm") { Description = "accept a different TPM than at the first attestation, and pin it" };
        Option<bool> newFirmware = new("--new-firmware") { Description = "accept different firmware or cards than at the first attestation, and pin them" };
        Command command = new("attest", "Verify with the node's TPM what the node booted. Owners and tenants.")
        {
            name, measurements, farm, authorities, accept, save, newTpm, newFirmware
        };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            Expectation expected = new()
            {
                Measurements = parsed.GetValue(measurements) is string file ? ReadMeasurements(file) : null,
                Farm = parsed.GetValue(farm) is string cred ? Read(cred) : null,
                EndorsementAuthorities = parsed.GetValue(authorities) is string pem ? System.Text.Encoding.UTF8.GetString(Read(pem)) : null,
                Accepted = [.. (parsed.GetValue(accept) ?? []).Select(Hash)],
                NewTpm = parsed.GetValue(newTpm),
                NewFirmware = parsed.GetValue(newFirmware),
            };
            NodeClient node = session.Connect(parsed.GetValue(name));
            expected = expected with { Pinned = session.Folder.Read().Nodes.Values.FirstOrDefault(n => n.Id == node.Node.Text && n.Tpm is not null)?.Tpm };
            AttestationReport report = await VerifyAsync(node, expected, parsed.GetValue(save), session.Cancellation);
            Pin(session.Folder, node.Node, report, expected);
            Write(session, report);
            return report.Proved ? 0 : CliException.Refused;
        });
        return command;
    }

    private static async Task<AttestationReport> VerifyAsync(NodeClient node, Expectation expected, string? save, CancellationToken cancellation)
    {
        try
        {
            Evidence evidence = await EvidenceCollector.CollectAsync(node, cancellation);
            if (save is not null)
                await File.WriteAllTextAsync(save, JsonSerializer.Serialize(SavedEvidence.Of(evidence), EvidenceJson.Default.SavedEvidence), cancellation);
            return AttestationVerifier.Verify(evidence, expected);
        }
        catch (BusErrorException e) when (e.Error.Reason is AttestationReasons.NoTpm or AttestationReasons.NoEventLog or AttestationReasons.TpmFailed)
        {
            return AttestationReport.None(e.Error.Reason, e.Error.Message.TrimEnd('.'));
        }
    }

    /// <summary>The first TPM seen under a node's id is its TPM; later ones, and another firmware, only if a person says so.</summary>
    private static void Pin(ConfigFolder folder, KeyId node, AttestationReport report, Expectation expected)
    {
        if (report.Tpm is not PinnedTpm tpm)
            return;
        if (expected.Pinned is { } before && !expected.NewTpm)
            tpm = expected.NewFirmware ? before with { Pcr0 = tpm.Pcr0, Pcr2 = tpm.Pcr2 } : before;
        ClientConfig config = folder.Read();
        if (tpm == expected.Pinned || config.Nodes.Values.All(n => n.Id != node.Text))
            return;
        folder.Write(config with
        {
            Nodes = new SortedDictionary<string, KnownNode>(
                config.Nodes.ToDictionary(p => p.Key, p => p.Value.Id == node.Text ? p.Value with { Tpm = tpm } : p.Value), StringComparer.Ordinal),
        });
    }

    private static void Write(Session session, AttestationReport report)
    {
        if (session.Json)
        {
            session.WriteJson(report, AttestationJson.Default.AttestationReport);
            return;
        }
        TextWriter o = session.Terminal.Out;
        o.WriteLine(Terminal.Clean(report.Sentence));
        o.WriteLine();
        foreach (Finding finding in report.Findings)
        {
            string mark = finding.Verdict switch { Verdict.Holds => "proved", Verdict.Fails => "FAILS", _ => "open" };
            o.WriteLine(Terminal.Clean($"  {mark,-7} {finding.Check,-12} {finding.Says}"));
        }
    }

    private static Measurements ReadMeasurements(string file)
    {
        Measurements image;
        try
        {
            image = JsonSerializer.Deserialize(Read(file), ReleaseJson.Default.Measurements) ?? throw new JsonException("there is nothing in it");
        }
        catch (JsonException e)
        {
            throw new CliException($"{file} is no measurements.json: {e.Message}");
        }
        foreach (string hash in (string[])[image.Efi.Authenticode, image.Linux.Authenticode, image.Pcr11])
        {
            if (!IsHash(hash))
                throw new CliException($"{file} is no measurements.json: \"{hash}\" is not 64 hexadecimal digits");
        }
        return image;
    }

    private static byte[] Read(string file)
    {
        if (!File.Exists(file))
            throw new CliException($"there is no file {file}", CliException.Usage);
        return new FileInfo(file).Length <= MaxFileBytes ? File.ReadAllBytes(file)
            : throw new CliException($"{file} has more than a megabyte; that is not what is asked for here", CliException.Usage);
    }

    private static string Hash(string text) =>
        IsHash(text) ? text : throw new CliException($"\"{text}\" is not a hash: 64 hexadecimal digits", CliException.Usage);

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);
}
