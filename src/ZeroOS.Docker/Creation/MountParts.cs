using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Creation;

/// <summary>The mounts of a creation: HostConfig.Binds and HostConfig.Mounts in one list, and how a machine names volumes.</summary>
internal static partial class MountParts
{
    /// <summary>The volume's name in its deployment.</summary>
    public const string Own = "data";

    private const int PermissionBits = 0xFFF;

    // What mount options say that makes no difference here: whose the labels are, and where mounts travel. The node fills an empty volume as Docker does.
    private static readonly string[] s_harmless = ["rw", "z", "Z", "rprivate", "private"];

    /// <summary>The named volumes of a creation, and the paths of this computer.</summary>
    /// <exception cref="DockerFault">400: something that is neither, or an option that cannot be honoured.</exception>
    public static IReadOnlyList<MountPlace> Of(JsonObject body)
    {
        JsonObject host = body.Object("HostConfig");
        return [.. (host.Strings("Binds") ?? []).Select(Bind), .. Mounts(host).Where(m => TypeOf(m) != "tmpfs" && m.Text("Source") is not null).Select(Mount)];
    }

    /// <summary>The named volumes of a creation.</summary>
    public static IEnumerable<MountPlace> Volumes(JsonObject body) => Of(body).Where(m => m.Volume is not null);

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
        string type and ("volume" or "tmpfs" or "bind") => type,
        string other => throw DockerFault.Bad($"HostConfig.Mounts: type {other} cannot be honoured: there are volume, bind and tmpfs"),
        null => throw DockerFault.Bad("HostConfig.Mounts: a mount has a type"),
    };

    private static string Target(JsonObject mount) => mount.Text("Target") ?? throw DockerFault.Bad("HostConfig.Mounts: a mount has a target");

    private static MountPlace Bind(string bind)
    {
        string[] parts = bind.Split(':');
        if (parts is not ([_, _] or [_, _, _]))
            throw DockerFault.Bad($"HostConfig.Binds: invalid volume specification: '{bind}'");
        string[] options = parts is [_, _, string given] ? given.Split(',', StringSplitOptions.RemoveEmptyEntries) : [];
        if (options.FirstOrDefault(o => o != "ro" && !s_harmless.Contains(o)) is { } other)
            throw DockerFault.Bad($"HostConfig.Binds {bind}: option {other} cannot be honoured: there are ro and rw");
        return new MountPlace(parts[0], parts[1], options.Contains("ro"), IsName(parts[0]) ? [] : null);
    }

    private static MountPlace Mount(JsonObject mount)
    {
        string source = mount.Text("Source")!;
        if (TypeOf(mount) == "bind")
            return new MountPlace(source, Target(mount), mount.Flag("ReadOnly"), null);
        if (!IsName(source))
            throw DockerFault.Bad($"HostConfig.Mounts: invalid volume name: {source}");
        JsonObject options = mount.Object("VolumeOptions"), driver = options.Object("DriverConfig");
        if (options.Flag("NoCopy"))
            throw DockerFault.Bad($"HostConfig.Mounts {source}: VolumeOptions.NoCopy cannot be honoured: an empty volume gets what the image has at its place");
        if (options.Text("Subpath") is not null)
            throw DockerFault.Bad($"HostConfig.Mounts {source}: VolumeOptions.Subpath cannot be honoured: a volume is mounted as a whole");
        return new MountPlace(source, Target(mount), mount.Flag("ReadOnly"), new JsonObject
        {
            ["Driver"] = driver["Name"]?.DeepClone(),
            ["DriverOpts"] = driver["Options"]?.DeepClone(),
            ["Labels"] = options["Labels"]?.DeepClone(),
        });
    }

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
