using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Config;
using ZeroOS.Oci.Build;
using ZeroOS.Oci.Pull;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Cli.Verbs;

/// <summary>
/// What a flist is built from, made ready: "docker://REFERENCE" is pulled into a folder of its own, which goes away with this object; every other source is
/// taken as it is.
/// </summary>
internal sealed class PulledImage : IDisposable
{
    /// <summary>What a reference to a registry begins with, as skopeo and podman write it.</summary>
    public const string Scheme = "docker://";

    private readonly string? _folder;

    private PulledImage(FlistSource source, string? folder) => (Source, _folder) = (source, folder);

    /// <summary>What to build from.</summary>
    public FlistSource Source { get; }

    /// <summary>Pulls if the text asks for it, with the credentials of `docker login`. <paramref name="beside"/> is a folder on a disk that has room.</summary>
    public static async Task<PulledImage> OpenAsync(Session session, string text, string beside)
    {
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
            return new PulledImage(FlistSource.Parse(text), null);
        Registries registries = session.Registries();
        if (!RegistryReference.TryParseDocker(text[Scheme.Length..], registries.Knows, out RegistryReference? reference, out string? error))
            throw new ClientException(error, isUsage: true);
        string folder = Path.Combine(Path.GetFullPath(beside), $".pull-{Guid.NewGuid():N}");
        try
        {
            using RegistryClient registry = registries.OpenToPull(reference,
                await DockerCredentials.OfEnvironment().FindAsync(reference.Registry, session.Cancellation));
            using ProgressLine progress = new(session.Terminal, TimeProvider.System);
            await ImagePull.PullAsync(registry, reference, folder, progress, session.Cancellation);
            return new PulledImage(FlistSource.Parse($"oci:{folder}"), folder);
        }
        catch
        {
            Remove(folder);
            throw;
        }
    }

    /// <summary>Removes what was pulled.</summary>
    public void Dispose() => Remove(_folder);

    private static void Remove(string? folder)
    {
        if (folder is not null && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
