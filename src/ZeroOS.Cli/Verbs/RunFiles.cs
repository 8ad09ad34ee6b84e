using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>Single files that "zos run -v" names as Docker mounts them: they travel with the deployment, and are written at each start.</summary>
internal static class RunFiles
{
    /// <summary>Whether the option names a file of this computer, not a volume.</summary>
    public static bool IsFile(string option) => option.Split(':')[0] is ['/' or '.', ..] file && File.Exists(file);

    /// <summary>Reads those that are; null when there are none.</summary>
    /// <exception cref="CliException">One is not FILE:PATH:ro, or is too large.</exception>
    public static IReadOnlyList<MachineFile>? Read(IEnumerable<string> options)
    {
        List<MachineFile> files = [.. options.Where(IsFile).Select(Read)];
        return files.Count == 0 ? null : files;
    }

    private static MachineFile Read(string option)
    {
        if (option.Split(':') is not [string file, ['/', ..] path, "ro"])
            throw new CliException($"-v {option}: a file of this computer is copied into the machine, and no change comes back; say so with FILE:PATH:ro",
                CliException.Usage);
        try
        {
            return LocalFiles.Read(file, path);
        }
        catch (ClientException e)
        {
            throw new CliException($"-v {option}: {e.Message}", CliException.Usage);
        }
    }
}
