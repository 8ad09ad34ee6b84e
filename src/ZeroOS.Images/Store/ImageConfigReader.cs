using System.Text.Json;

using ZeroOS.Flist;
using ZeroOS.Oci.Layout;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>Reads a tenant's OCI image config, bounded: it decides arguments of a process in the guest and nothing on the node.</summary>
internal static class ImageConfigReader
{
    private const int MaxEntries = 4096, MaxText = 128 * 1024;

    /// <summary>Reads a config whose digest has been verified.</summary>
    /// <exception cref="FlistFormatException">Which rule it breaks.</exception>
    public static ImageConfig Parse(ReadOnlySpan<byte> json)
    {
        OciConfigDocument? document;
        try
        {
            document = JsonSerializer.Deserialize(json, OciConfigJson.Default.OciConfigDocument);
        }
        catch (JsonException e)
        {
            throw new FlistFormatException($"the image config is not the JSON it should be: {e.Message}");
        }
        if (!OciPlatform.IsOurs(document?.System is null or "" ? "linux" : document.System,
            document?.Architecture is null or "" ? "amd64" : document.Architecture))
            throw new FlistFormatException("the image is not for linux on amd64");
        OciRunDocument run = document?.Config ?? new OciRunDocument();
        IReadOnlyList<string> shell = run.Shell is { Count: > 0 } ? List(run.Shell, "Shell") : new ImageConfig().Shell;
        ImageConfig config = new()
        {
            Entrypoint = List(run.Entrypoint, "Entrypoint"),
            Cmd = List(run.Cmd, "Cmd"),
            Env = Variables(List(run.Env, "Env")),
            User = Text(run.User ?? "", "User"),
            WorkingDir = Text(run.WorkingDir ?? "", "WorkingDir"),
            StopSignal = Text(run.StopSignal ?? "", "StopSignal"),
            Volumes = [.. List([.. run.Volumes?.Keys ?? []], "Volumes").Order(StringComparer.Ordinal)],
            Shell = shell,
            Health = run.Health is { } health ? ImageHealthReader.Read(health, List(health.Test, "Healthcheck"), shell) : null,
        };
        if (config.Env.Any(e => e.StartsWith('=')))
            throw new FlistFormatException("an entry of Env in the image config has no name");
        if (config.Volumes.Any(v => !v.StartsWith('/')) || (config.WorkingDir.Length > 0 && !config.WorkingDir.StartsWith('/')))
            throw new FlistFormatException("a path in the image config is not absolute");
        return config;
    }

    /// <summary>A name without a value sets nothing and takes away what the entries before it set, as in Docker.</summary>
    private static List<string> Variables(IReadOnlyList<string> entries)
    {
        HashSet<string> takenAway = new(StringComparer.Ordinal);
        List<string> kept = [];
        foreach (string entry in entries.Reverse())
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                takenAway.Add(entry);
            else if (!takenAway.Contains(entry[..equals]))
                kept.Add(entry);
        }
        kept.Reverse();
        return kept;
    }

    private static IReadOnlyList<string> List(IReadOnlyList<string?>? list, string what)
    {
        if (list is { Count: > MaxEntries })
            throw new FlistFormatException($"{what} in the image config has more than {MaxEntries} entries");
        return [.. (list ?? []).Select(text => Text(text, what))];
    }

    private static string Text(string? text, string what) => text is { Length: <= MaxText } && !text.Contains('\0', StringComparison.Ordinal) ? text
        : throw new FlistFormatException($"{what} in the image config holds a text that is null, too long or has a zero in it");
}
