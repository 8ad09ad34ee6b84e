using System.Globalization;
using System.Text.Json.Nodes;

using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Creation;

/// <summary>
/// Bind mounts of a creation. A node has no folder of this computer: a file, or a small folder, that is only read travels with the deployment. What would be
/// written is refused, since no change comes back.
/// </summary>
internal static class BindParts
{
    private const string EngineSocket = "docker.sock";

    // Of every machine, and its own.
    private static readonly string[] s_machines = ["/etc/localtime", "/etc/timezone", "/lib/modules", "/proc", "/sys", "/dev", "/run"];

    /// <summary>The files to write into the machine, and the places of folders.</summary>
    /// <exception cref="DockerFault">400: something that is not there, or is no file or folder to be read, or is too much.</exception>
    public static (IReadOnlyList<MachineFile> Files, IReadOnlyList<string> Folders) Of(JsonObject body, List<string> warnings)
    {
        List<MachineFile> files = [];
        List<string> folders = [];
        foreach (MountPlace bind in MountParts.Of(body).Where(m => m.Volume is null))
        {
            string source = bind.Source.TrimEnd('/');
            if (source.EndsWith(EngineSocket, StringComparison.Ordinal))
                throw Bad(bind, "whoever has this socket has all that your key has, and no container gets that");
            if (s_machines.Contains(source) && source == bind.Path.TrimEnd('/'))
            {
                warnings.Add($"{source} is the machine's own, and not this computer's");
                continue;
            }
            bool isFolder = Directory.Exists(source);
            if (source is not ['/', ..] || !(isFolder || File.Exists(source)))
                throw DockerFault.Bad($"invalid mount config for type \"bind\": bind source path does not exist: {bind.Source}");
            if (!bind.IsReadOnly)
                throw Bad(bind, "a node has no folder of this computer, and what a container writes does not come back; say :ro, or use a named volume");
            if (isFolder)
                folders.Add(bind.Path.TrimEnd('/'));
            try
            {
                Add(bind, source, isFolder, files);
            }
            catch (Exception e) when (e is ClientException or IOException or UnauthorizedAccessException)
            {
                throw Bad(bind, e.Message);
            }
        }
        return (files, folders);
    }

    private static void Add(MountPlace bind, string source, bool isFolder, List<MachineFile> files)
    {
        IEnumerable<string> all = !isFolder ? [source]
            : Directory.EnumerateFileSystemEntries(source, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 });
        foreach (string file in all)
        {
            if (Directory.Exists(file) && new DirectoryInfo(file).LinkTarget is null)
                continue;
            if (!File.Exists(file) || (isFolder && new FileInfo(file).LinkTarget is not null))
                throw Bad(bind, $"{file} is neither a file nor a folder");
            if (files.Count == LocalFiles.MaxFiles)
                throw Bad(bind, TooMuch());
            files.Add(LocalFiles.Read(file, isFolder ? bind.Path.TrimEnd('/') + file[source.Length..] : bind.Path));
            if (files.Sum(f => f.Base64!.Length / 4L * 3) > LocalFiles.MaxBytes + (2 * LocalFiles.MaxFiles))
                throw Bad(bind, TooMuch());
        }
    }

    private static string TooMuch() => string.Create(CultureInfo.InvariantCulture,
        $"files of this computer are at most {LocalFiles.MaxFiles}, and {LocalFiles.MaxBytes / 1024}KiB together; put larger ones into the image or a volume");

    private static DockerFault Bad(MountPlace bind, string why) => DockerFault.Bad($"bind mount {bind.Source} cannot be honoured: {why}");
}
