using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Creation;

/// <summary>The volumes of a creation: HostConfig.Binds and HostConfig.Mounts in one list, and how a machine names them.</summary>
internal static partial class VolumeParts
{
    /// <summary>The volume's name in its deployment.</summary>
    public const string Own = "data";

    private const string EngineSocket = "docker.sock";
    private const int PermissionBits = 0xFFF;

    // What mount options say that makes no difference here: whose the labels are, and where mounts travel. The node fills an empty volume as Docker does.
    private static readonly string[] s_harmless = ["rw", "z", "Z", "rprivate", "private"];

    /// <summary>The named volumes of a creation.</summary>
    /// <exception cref="DockerFault">400: something that is no volume, or an option that cannot be honoured.</exception>
    public static IReadOnlyList<VolumePlace> Of(JsonObject body)
    {
        JsonObject host = body.Object("HostConfig");
        return [.. (host.Strings("Binds") ?? []).Select(Bind), .. Mounts(host).Where(m => TypeOf(m) == "volume" && m.Text("Source") is not null).Select(Mount)];
    }

    /// <summary>File systems in memory of HostConfig.Mounts; those of HostConfig.Tmpfs are words of their own.</summary>
    public static IEnumerable<MachineTmpfs> Tmpfs(JsonObject host) => Mounts(host).Where(m => TypeOf(m) == "tmpfs").Select(m =>
    {
        JsonObject options = m.Object("TmpfsOptions");
        return new MachineTmpfs
        {
            Path = Target(m),
            Size = options.Number("SizeBytes") is > 0 and long size ? new ByteSize(size) : null,
            Mode = options.Number("Mode") is > 0 and long mode ? Convert.ToString(mode & PermissionBits, 8) : null,
            Options = m.Flag("ReadOnly") ? ["ro"] : null,
        };
    });

    /// <summary>Places of HostConfig.Mounts whose volume has no name: they lie in the container's own layer.</summary>
    /// <exception cref="DockerFault">400: a mount of another type.</exception>
    public static IEnumerable<string> Anonymous(JsonObject host) => Mounts(host).Where(m => TypeOf(m) == "volume" && m.Text("Source") is null).Select(Target);

    /// <summary>How a machine names a volume, by the id of what Docker remembers of it.</summary>
    public static string PartOf(string id) => $"docker-{id[..12]}/{Own}";

    /// <summary>Whether it can be a volume's name.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name);

    private static IEnumerable<JsonObject> Mounts(JsonObject host) => (host["Mounts"] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static string TypeOf(JsonObject mount) => mount.Text("Type") switch
    {
        "volume" => "volume",
        "tmpfs" => "tmpfs",
        "bind" => throw NotHere("HostConfig.Mounts", mount.Text("Source") ?? ""),
        string other => throw DockerFault.Bad($"HostConfig.Mounts: type {other} cannot be honoured: there are volume and tmpfs"),
        null => throw DockerFault.Bad("HostConfig.Mounts: a mount has a type"),
    };

    private static string Target(JsonObject mount) => mount.Text("Target") ?? throw DockerFault.Bad("HostConfig.Mounts: a mount has a target");

    private static VolumePlace Bind(string bind)
    {
        string[] parts = bind.Split(':');
        if (parts is not ([_, _] or [_, _, _]))
            throw DockerFault.Bad($"HostConfig.Binds: invalid volume specification: '{bind}'");
        if (!IsName(parts[0]))
            throw NotHere("HostConfig.Binds", parts[0]);
        string[] options = parts is [_, _, string given] ? given.Split(',', StringSplitOptions.RemoveEmptyEntries) : [];
        if (options.FirstOrDefault(o => o != "ro" && !s_harmless.Contains(o)) is { } other)
            throw DockerFault.Bad($"HostConfig.Binds {bind}: option {other} cannot be honoured: there are ro and rw");
        return new VolumePlace(parts[0], parts[1], options.Contains("ro"), []);
    }

    private static VolumePlace Mount(JsonObject mount)
    {
        string name = mount.Text("Source")!;
        if (!IsName(name))
            throw DockerFault.Bad($"HostConfig.Mounts: invalid volume name: {name}");
        JsonObject options = mount.Object("VolumeOptions"), driver = options.Object("DriverConfig");
        if (options.Flag("NoCopy"))
            throw DockerFault.Bad($"HostConfig.Mounts {name}: VolumeOptions.NoCopy cannot be honoured: an empty volume gets what the image has at its place");
        if (options.Text("Subpath") is not null)
            throw DockerFault.Bad($"HostConfig.Mounts {name}: VolumeOptions.Subpath cannot be honoured: a volume is mounted as a whole");
        JsonObject creation = new()
        {
            ["Driver"] = driver["Name"]?.DeepClone(),
            ["DriverOpts"] = driver["Options"]?.DeepClone(),
            ["Labels"] = options["Labels"]?.DeepClone(),
        };
        return new VolumePlace(name, Target(mount), mount.Flag("ReadOnly"), creation);
    }

    private static DockerFault NotHere(string field, string source) => DockerFault.Bad(source.EndsWith(EngineSocket, StringComparison.Ordinal)
        ? $"{field} {source} cannot be honoured: whoever has this socket has all that your key has, and no container gets that"
        : $"{field} {source} cannot be honoured: a folder of this computer is not on the node; use a volume of docker volume create, the image, or zos cp");

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
