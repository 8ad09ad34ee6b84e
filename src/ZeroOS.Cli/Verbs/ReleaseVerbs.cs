using System.CommandLine;
using System.Globalization;

using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Release;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client.Config;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;
using ZeroOS.Flist;
using ZeroOS.Media.SystemImage;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos release: what nodes update to, for those who make releases.</summary>
internal static class ReleaseVerbs
{
    private static readonly Argument<string> s_file = new("FILE") { Description = "release written by zos release new" };

    public static Command Build(Terminal terminal)
    {
        Command release = new("release", "Manage releases: versions that nodes may update to, signed by M of N release keys.");
        release.Add(New(terminal));
        release.Add(Sign(terminal));
        release.Add(Inspect(terminal));
        release.Add(Push(terminal));
        return release;
    }

    private static Command New(Terminal terminal)
    {
        Option<string> image = new("--image")
        {
            DefaultValueFactory = _ => "out",
            HelpName = "DIR",
            Description = "folder of the system image, with zeroos.efi"
        };
        Option<string> channel = new("--channel")
        {
            DefaultValueFactory = _ => ReleaseManifest.DefaultChannel,
            Description = "release channel; nodes accept only their farm's channel"
        };
        Option<string> minimum = new("--minimum") { Required = true, HelpName = "X.Y.Z", Description = "oldest version that may update directly to this one" };
        Option<string> at = new("--at")
        {
            Required = true,
            HelpName = "REGISTRY/NAME",
            Description = "where nodes fetch it, with the registry's name in the farm settings (zos release push)"
        };
        Option<int> health = new("--health-seconds")
        {
            DefaultValueFactory = _ => ReleaseManifest.DefaultHealthSeconds,
            Description = "seconds that a node must be healthy before it keeps the release"
        };
        Option<string> output = new("-o", "--output") { HelpName = "FILE", Required = true, Description = "file to write the release to" };
        Command command = new("new", "Create a release from a system image and sign it with your key.") { image, channel, minimum, at, health, output };
        Session.Set(command, terminal, (session, parsed) =>
        {
            ReleasedImage released = ReleasedImage.Read(parsed.GetValue(image)!);
            ReleaseManifest manifest = new()
            {
                Version = released.Version,
                Channel = parsed.GetValue(channel)!,
                MinimumVersion = parsed.GetRequiredValue(minimum),
                Issued = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
                ImageDigest = released.ImageDigest,
                Efi = new ReleaseFile { Digest = Sha256Digest.Of(released.Efi).ToString(), Size = released.Efi.Length },
                Image = parsed.GetRequiredValue(at),
                Measurements = released.MeasurementsDigest,
                HealthSeconds = parsed.GetValue(health),
            };
            byte[] document = ReleaseDocument.Sign(manifest, session.Key());
            if (!ReleaseDocument.TryInspect(document, out _, out _, out string? wrong))
                throw new CliException($"this would be no release: {wrong}", CliException.Usage);
            using (FileStream file = new(parsed.GetRequiredValue(output), FileMode.CreateNew, FileAccess.Write))
                file.Write(document);
            terminal.Error.WriteLine($"Wrote {parsed.GetRequiredValue(output)}: version {manifest.Version}, signed by you. "
                + $"Others add theirs with: zos release sign {parsed.GetRequiredValue(output)}");
            return Task.FromResult(0);
        }, lasting: true);
        return command;
    }

    private static Command Sign(Terminal terminal)
    {
        Command command = new("sign", "Add your signature to a release. Check it first with zos release inspect.") { s_file };
        Session.Set(command, terminal, (session, parsed) =>
        {
            string path = parsed.GetRequiredValue(s_file);
            byte[] document = ReleaseDocument.AddSignature(File.ReadAllBytes(path), session.Key());
            File.WriteAllBytes(path + ".new", document);
            File.Move(path + ".new", path, overwrite: true);
            (_, IReadOnlyList<KeyId> signers) = Read(path, document);
            terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{path} has {signers.Count} {(signers.Count == 1 ? "signature" : "signatures")}."));
            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Inspect(Terminal terminal)
    {
        Option<string?> keys = new("--release-keys") { HelpName = "FILE", Description = "release keys of an image; report whether they accept the release" };
        Command command = new("inspect", "Show a release and its signatures.") { s_file, keys };
        Session.Set(command, terminal, (session, parsed) =>
        {
            string path = parsed.GetRequiredValue(s_file);
            byte[] document = File.ReadAllBytes(path);
            (ReleaseManifest manifest, IReadOnlyList<KeyId> signers) = Read(path, document);
            string? missing = null;
            ReleaseKeys? known = null;
            if (parsed.GetValue(keys) is { } keyFile && !ReleaseKeys.TryParse(File.ReadAllText(keyFile), out known, out string? fault))
                throw new CliException($"{keyFile}: {fault}");
            if (known is not null)
                _ = ReleaseDocument.TryVerify(document, known, out _, out missing);
            if (session.Json)
            {
                session.WriteJson(manifest, BusJson.Default.ReleaseManifest);
                return Task.FromResult(missing is null ? 0 : CliException.Refused);
            }
            TextWriter o = terminal.Out;
            o.WriteLine($"version   {manifest.Version}, from {manifest.MinimumVersion} on, channel {manifest.Channel}");
            o.WriteLine($"issued    {manifest.Issued:yyyy-MM-dd HH:mm:ss} UTC");
            o.WriteLine($"image     {manifest.ImageDigest}");
            o.WriteLine($"efi       {manifest.Efi.Digest}, {manifest.Efi.Size} bytes, at {manifest.Image}");
            if (manifest.Measurements is { } measurements)
                o.WriteLine($"measured  {measurements}");
            o.WriteLine(string.Create(CultureInfo.InvariantCulture, $"health    must hold for {manifest.HealthSeconds} s"));
            foreach (KeyId signer in signers)
                o.WriteLine($"signed by {signer}{(known is null ? "" : known.Keys.Contains(signer) ? "" : "  which is none of the release keys")}");
            if (known is not null)
                o.WriteLine(missing is null ? "complete" : $"incomplete: {missing}");
            return Task.FromResult(missing is null ? 0 : CliException.Refused);
        });
        return command;
    }

    private static Command Push(Terminal terminal)
    {
        Option<string> image = new("--image")
        {
            DefaultValueFactory = _ => "out",
            HelpName = "DIR",
            Description = "folder of the system image, with zeroos.efi"
        };
        Command command = new("push", "Push a release and its EFI file to the registry that it names.") { s_file, image };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            string path = parsed.GetRequiredValue(s_file);
            byte[] document = File.ReadAllBytes(path);
            (ReleaseManifest manifest, _) = Read(path, document);
            byte[] efi = File.ReadAllBytes(Path.Combine(parsed.GetValue(image)!, ReleasedImage.EfiFile));
            if (Sha256Digest.Of(efi).ToString() != manifest.Efi.Digest)
                throw new CliException($"{Path.Combine(parsed.GetValue(image)!, ReleasedImage.EfiFile)} is not the file that {path} describes");
            RegistryReference reference = Registries.Parse($"{manifest.Image}:{manifest.Version}");
            using RegistryClient registry = session.Registries().Open(reference);
            using ProgressLine progress = new(terminal, TimeProvider.System);
            progress.Report(new BuildProgress(BuildPhase.Pushing, 0, efi.Length));
            Sha256Digest pushed = await ReleaseArtifact.PushAsync(registry, reference, document, efi, session.Cancellation);
            progress.Dispose();
            terminal.Out.WriteLine($"{reference}@{pushed}");
            return 0;
        }, lasting: true);
        return command;
    }

    private static (ReleaseManifest Manifest, IReadOnlyList<KeyId> Signers) Read(string path, byte[] document) =>
        ReleaseDocument.TryInspect(document, out ReleaseManifest? manifest, out IReadOnlyList<KeyId> signers, out string? fault)
            ? (manifest, signers) : throw new CliException($"{path}: {fault}");
}
