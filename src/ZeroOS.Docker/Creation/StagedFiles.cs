using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Creation;

/// <summary>
/// What is put into a container before its first start: files of its machine, beside those that its creation brought. Those of the creation lie on the places
/// of its mounts, and others never do, so that each can be told.
/// </summary>
internal static class StagedFiles
{
    /// <summary>Files of a machine, and bytes of all of them, as the node takes them at most.</summary>
    public const int MaxFiles = LocalFiles.MaxFiles, MaxBytes = LocalFiles.MaxBytes;

    // Of every machine, and its own.
    private static readonly string[] s_machines = ["/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

    /// <summary>A machine with these files; one that has a path again takes the place of the other.</summary>
    /// <param name="data">The machine.</param>
    /// <param name="creation">The words of its creation.</param>
    /// <param name="files">The files, each with a path of its own.</param>
    /// <exception cref="DockerFault">400: one lies on a mount, or in a file, or is a folder; or all are too much.</exception>
    public static ZmachineData With(ZmachineData data, JsonObject creation, IReadOnlyCollection<MachineFile> files)
    {
        IReadOnlyList<string> mounts = [.. MountParts.Of(creation).Select(m => m.Path), .. (data.Tmpfs ?? []).Select(t => t.Path), .. s_machines];
        HashSet<string> again = [.. files.Select(f => f.Path)];
        IReadOnlyList<MachineFile> all = [.. (data.Files ?? []).Where(f => !again.Contains(f.Path)), .. files];
        foreach (MachineFile file in files)
        {
            if (mounts.FirstOrDefault(m => file.Path == m.TrimEnd('/') || IsBelow(file.Path, m)) is { } mount)
                throw Bad(file.Path, $"{mount} is mounted there");
            if (mounts.Concat(all.Select(f => f.Path)).FirstOrDefault(p => IsBelow(p, file.Path)) is { } inside)
                throw Bad(file.Path, $"it is a folder, since {inside} lies in it");
            if (all.FirstOrDefault(f => IsBelow(file.Path, f.Path)) is { } above)
                throw Bad(file.Path, $"{above.Path} is a file, and no folder");
        }
        return all.Count <= MaxFiles && all.Sum(f => Content(f).Length) <= MaxBytes ? data with { Files = all } : throw TooMuch();
    }

    /// <summary>The bytes of a file.</summary>
    public static byte[] Content(MachineFile file) => file.Content is { } text ? Encoding.UTF8.GetBytes(text) : Convert.FromBase64String(file.Base64 ?? "");

    /// <summary>Whether a path lies in a folder, at any depth.</summary>
    public static bool IsBelow(string path, string folder) => path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);

    /// <summary>Why a file cannot be put in.</summary>
    public static DockerFault Bad(string path, string why) => DockerFault.Bad($"{path} cannot be put into a container before its first start: {why}");

    /// <summary>It is more than the node takes.</summary>
    public static DockerFault TooMuch() => DockerFault.Bad(string.Create(CultureInfo.InvariantCulture,
        $"before its first start a container takes {MaxFiles} files at most, and {MaxBytes / 1024}KiB together; while it runs it takes any size"));
}
