using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client.Config;
using ZeroOS.Flist;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos flist: images as nodes run them.</summary>
internal static class FlistVerbs
{
    public static Command Build(Terminal terminal)
    {
        Command flist = new("flist", "Build, push and inspect flists, the form of container images that nodes run.");
        flist.Add(BuildVerb(terminal));
        flist.Add(Push(terminal));
        flist.Add(Inspect(terminal));
        return flist;
    }

    private static Command BuildVerb(Terminal terminal)
    {
        Argument<string> source = new("SOURCE")
        {
            Description = "docker://IMAGE[:TAG] from a registry, oci:DIRECTORY[:TAG], docker-archive:FILE[:NAME], rootfs:PATH or tar:FILE"
        };
        Option<string> output = new("-o", "--output")
        {
            HelpName = "DIR",
            DefaultValueFactory = _ => "flist",
            Description = "OCI layout directory to write to"
        };
        Command command = new("build", "Build a flist from a container image. The same image always gives the same digest.") { source, output };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            string folder = parsed.GetValue(output)!;
            using PulledImage image = await PulledImage.OpenAsync(session, parsed.GetRequiredValue(source), folder);
            using ProgressLine progress = new(terminal, TimeProvider.System);
            BuildResult result = FlistBuilder.Build(image.Source, folder, progress);
            progress.Dispose();
            if (session.Json)
            {
                session.WriteJson(new FlistSummary(result.ManifestDigest, result.DeviceBytes, result.StoredBytes, result.ChunkCount, result.Files),
                    FlistSummaryJson.Default.FlistSummary);
                return 0;
            }
            if (result.IgnoredXattrs > 0)
                terminal.Complain($"{result.IgnoredXattrs} extended attributes were left out: Linux has no place for them");
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{result.ManifestDigest}  {result.Files} files, {result.DeviceBytes >> 20} MiB, "
                + $"{result.StoredBytes >> 20} MiB stored in {result.ChunkCount} chunks"));
            return 0;
        }, lasting: true);
        return command;
    }

    private static Command Push(Terminal terminal)
    {
        Argument<string> layout = new("DIR") { Description = "OCI layout written by zos flist build" };
        Argument<string> reference = new("REFERENCE") { Description = "REGISTRY/NAME[:TAG]" };
        Option<string?> digest = new("--digest") { HelpName = "SHA256", Description = "digest of the flist, if the layout holds several" };
        Command command = new("push", "Push a flist to a registry.") { layout, reference, digest };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            string directory = parsed.GetRequiredValue(layout);
            string which = parsed.GetValue(digest) ?? Only(directory);
            string pushed = await PushAsync(session, directory, which, Registries.Parse(parsed.GetRequiredValue(reference)));
            terminal.Out.WriteLine(session.Json ? JsonSerializer.Serialize(pushed, FlistSummaryJson.Default.String) : pushed);
            return 0;
        }, lasting: true);
        return command;
    }

    private static Command Inspect(Terminal terminal)
    {
        Argument<string> what = new("DIR|REFERENCE") { Description = "OCI layout directory, or REGISTRY/NAME[:TAG]" };
        Option<string?> digest = new("--digest") { HelpName = "SHA256", Description = "digest of the flist, if the layout holds several" };
        Option<bool> verify = new("--verify") { Description = "read and check every chunk of a layout" };
        Command command = new("inspect", "Show manifest, size and contents of a flist.") { what, digest, verify };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            string text = parsed.GetRequiredValue(what);
            if (Directory.Exists(text))
            {
                FlistArtifact flist = FlistArtifact.Open(text, parsed.GetValue(digest) ?? Only(text));
                if (parsed.GetValue(verify))
                    flist.Verify();
                Describe(session, flist.Digest, flist.Manifest, flist.Index, flist.Config);
                return 0;
            }
            RegistryReference reference = Registries.Parse(text);
            using RegistryClient registry = session.Registries().Open(reference);
            RegistryManifest stored = await registry.GetManifestAsync(reference.Repository, reference.Target, cancellation: session.Cancellation);
            FlistManifest manifest = FlistManifest.Parse(stored.Bytes);
            FlistIndex index = FlistIndex.Open(await registry.GetBlobAsync(reference.Repository, manifest.Index.Digest, FlistFormat.MaxIndexBytes,
                session.Cancellation));
            byte[] config = await registry.GetBlobAsync(reference.Repository, manifest.Config.Digest, FlistFormat.MaxConfigBytes, session.Cancellation);
            Describe(session, stored.Digest, manifest, index, config);
            return 0;
        });
        return command;
    }

    /// <summary>Pushes and returns the digest.</summary>
    internal static async Task<string> PushAsync(Session session, string directory, string digest, RegistryReference reference)
    {
        using RegistryClient registry = session.Registries().Open(reference);
        using ProgressLine progress = new(session.Terminal, TimeProvider.System);
        await FlistPublisher.PushAsync(directory, digest, registry, reference.Repository, reference.Tag, progress, session.Cancellation);
        return digest;
    }

    private static void Describe(Session session, Sha256Digest digest, FlistManifest manifest, FlistIndex index, byte[] config)
    {
        if (session.Json)
        {
            session.WriteJson(new FlistSummary(digest.ToString(), index.DeviceSize, manifest.Data.Sum(d => d.Size), index.ChunkCount, null),
                FlistSummaryJson.Default.FlistSummary);
            return;
        }
        TextWriter o = session.Terminal.Out;
        o.WriteLine($"digest  {digest}");
        o.WriteLine($"kind    {Terminal.Clean(manifest.Kind)}");
        o.WriteLine(string.Create(CultureInfo.InvariantCulture, $"device  {index.DeviceSize >> 20} MiB in {index.ChunkCount} chunks"));
        o.WriteLine(string.Create(CultureInfo.InvariantCulture, $"stored  {manifest.Data.Sum(d => d.Size) >> 20} MiB in {manifest.Data.Count} blobs"));
        o.WriteLine($"config  {Terminal.Clean(Encoding.UTF8.GetString(config))}");
    }

    /// <summary>The one flist a layout holds.</summary>
    private static string Only(string directory)
    {
        string path = Path.Combine(directory, "index.json");
        if (!File.Exists(path))
            throw new CliException($"{directory} is no OCI layout: it has no index.json");
        using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(path));
        string[] digests = [.. index.RootElement.GetProperty("manifests").EnumerateArray().Select(m => m.GetProperty("digest").GetString()!).Distinct()];
        return digests switch
        {
            [string one] => one,
            [] => throw new CliException($"{directory} holds no flist"),
            _ => throw new CliException($"{directory} holds several flists; say which with --digest: {string.Join(", ", digests)}", CliException.Usage),
        };
    }
}
