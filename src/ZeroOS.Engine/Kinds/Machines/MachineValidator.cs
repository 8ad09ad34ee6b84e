using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>
/// Checks the zmachines of one deployment, and what only all of them together show: an address or a port given twice, a volume two machines want.
/// </summary>
internal sealed class MachineValidator(IReadOnlyDictionary<string, Workload> workloads, IReadOnlyDictionary<string, Ipv4Range> ranges)
{
    /// <summary>Bytes of entrypoint, arguments and environment together: escaped as JSON six times over they still fit one guest frame.</summary>
    public const int MaxProcessBytes = 32 * 1024;

    /// <summary>The monitor has 16 disks, two of which are the image and the writable layer.</summary>
    public const int MaxMounts = 14;

    /// <summary>The monitor has 8 cards.</summary>
    public const int MaxNetworks = 8;

    /// <summary>More names of a machine in one network at most.</summary>
    public const int MaxAliases = 8;

    /// <summary>Characters of such a name at most.</summary>
    public const int MaxAliasLength = 63;

    /// <summary>Published ports of one machine at most.</summary>
    public const int MaxPublished = 64;

    private static readonly string[] s_ownPaths = ["/proc", "/sys", "/dev"];

    private readonly Dictionary<string, string> _volumeUsers = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Network, uint Address), string> _addresses = [];
    private readonly Dictionary<(PortProtocol Protocol, int Port), string> _ports = [];

    /// <summary>Checks one machine; <paramref name="path"/> is its data's place.</summary>
    public void Check(string path, ZmachineWorkload machine)
    {
        ZmachineData data = machine.Data;
        CheckImage($"{path}.flist", data.Flist);
        if (data.Cpu is < 1 or > 8)
            throw Refuse.Invalid($"{path}.cpu", "a machine has 1 to 8 virtual processors");
        if (data.Memory is { Bytes: < 64L << 20 })
            throw Refuse.Invalid($"{path}.memory", "a machine has at least 64MiB of memory");
        if (data.Memory is { Bytes: > 1L << 40 })
            throw Refuse.Invalid($"{path}.memory", "a machine has at most 1TiB of memory");
        if (data.Memory is { } memory && memory.Bytes % (2L << 20) != 0)
            throw Refuse.Invalid($"{path}.memory", "memory is a multiple of 2MiB, the size of a huge page");
        DiskSizes.Check($"{path}.rootfs", data.Rootfs);
        CheckProcess(path, data);
        CheckMounts(path, machine.Name, data.Mounts);
        CheckNetworks(path, machine.Name, data.Networks);
        CheckPublished(path, machine.Name, data);
        MachineNamesValidator.Check(path, data);
        MachineInsideValidator.Check(path, data);
        MachineFilesValidator.Check(path, data);
        if (data.Health is { } health)
            HealthRules.Check($"{path}.health", health);
        MachineLifeRules.Check(path, data, workloads.Values);
        if (data.Stop.Signal is { } signal && !Signals.TryNormalise(signal, out _))
            throw Refuse.Invalid($"{path}.stop.signal", "a signal is a name such as SIGTERM or a number from 1 to 64");
        if (!Durations.TryParse(data.Stop.Timeout, TimeSpan.FromMinutes(10), out _))
            throw Refuse.Invalid($"{path}.stop.timeout", "a time-out is a number of ms, s or m, such as 30s, and at most 10m");
    }

    private static void CheckImage(string path, FlistReference flist)
    {
        if (!ImageReferences.IsReference(flist.Reference))
            throw Refuse.Invalid($"{path}.reference", "an image reference is registry/name or registry/name:tag");
        if (!ImageReferences.IsDigest(flist.Digest))
            throw Refuse.Invalid($"{path}.digest", "a digest is \"sha256:\" and 64 lower-case hexadecimal digits");
        if (flist.Auth is not { } auth)
            return;
        if (auth.Username.Length is < 1 or > 256 || auth.Username.Contains(':') || HasControl(auth.Username))
            throw Refuse.Invalid($"{path}.auth.username", "a user name has 1 to 256 characters, no colon and no control characters");
        if (auth.Password.Length is < 1 or > 8192 || HasControl(auth.Password))
            throw Refuse.Invalid($"{path}.auth.password", "a password has 1 to 8192 characters and no control characters");
    }

    private static void CheckProcess(string path, ZmachineData data)
    {
        long total = 0;
        if (data.Entrypoint is { Count: 0 })
            throw Refuse.Invalid($"{path}.entrypoint", "an entrypoint has at least one element; leave it out for the image's own");
        foreach ((string field, IReadOnlyList<string> list) in new[] { ("entrypoint", data.Entrypoint ?? []), ("args", data.Args ?? []) })
        {
            if (list.Count > 1024)
                throw Refuse.Invalid($"{path}.{field}", "at most 1024 elements");
            for (int i = 0; i < list.Count; i++)
            {
                if (list[i].Contains('\0'))
                    throw Refuse.Invalid($"{path}.{field}[{i}]", "an argument has no NUL in it");
                total += Encoding.UTF8.GetByteCount(list[i]) + 1;
            }
            if (total > MaxProcessBytes)
                throw Refuse.Invalid($"{path}.{field}", "entrypoint and arguments have at most 32KiB together");
        }
        if (data.Entrypoint is [""])
            throw Refuse.Invalid($"{path}.entrypoint[0]", "a program has a name");
        if (data.Env.Count > 1024)
            throw Refuse.Invalid($"{path}.env", "at most 1024 variables");
        foreach ((string name, string value) in data.Env)
        {
            if (name.Length == 0 || name.Contains('=') || HasControl(name))
                throw Refuse.Invalid($"{path}.env", "a variable's name is not empty and has neither \"=\" nor control characters");
            if (value.Contains('\0'))
                throw Refuse.Invalid($"{path}.env.{name}", "a variable has no NUL in it");
            total += Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value) + 2;
            if (total > MaxProcessBytes)
                throw Refuse.Invalid($"{path}.env", "environment, entrypoint and arguments have at most 32KiB together");
        }
        if (data.User is { } user && !IsUser(user))
            throw Refuse.Invalid($"{path}.user", "a user is a name or a number, perhaps with \":\" and a group");
        if (data.Workdir is { } workdir && (!workdir.StartsWith('/') || workdir.Length > 4095 || HasControl(workdir)))
            throw Refuse.Invalid($"{path}.workdir", "a working directory is an absolute path");
    }

    private void CheckMounts(string path, string machine, IReadOnlyList<MachineMount> mounts)
    {
        if (mounts.Count > MaxMounts)
            throw Refuse.Invalid($"{path}.mounts", $"a machine has at most {MaxMounts} volumes");
        HashSet<string> paths = new(StringComparer.Ordinal);
        for (int i = 0; i < mounts.Count; i++)
        {
            MachineMount mount = mounts[i];
            if (IsForeign(mount.Volume, $"{path}.mounts[{i}].volume"))
            {
                // Whether there is one, only the node knows (ForeignParts).
            }
            else if (!workloads.TryGetValue(mount.Volume, out Workload? volume) || volume is not ZmountWorkload)
                throw Refuse.Invalid($"{path}.mounts[{i}].volume", $"this deployment has no zmount \"{mount.Volume}\"");
            // ext4 belongs to one kernel at a time; two machines, one of them even only reading, would destroy it.
            if (!_volumeUsers.TryAdd(mount.Volume, machine))
                throw Refuse.Invalid($"{path}.mounts[{i}].volume",
                    $"the volume \"{mount.Volume}\" is already mounted by machine \"{_volumeUsers[mount.Volume]}\"");
            if (!IsMountPath(mount.Path))
                throw Refuse.Invalid($"{path}.mounts[{i}].path",
                    "a mount's path is absolute, has no \".\", \"..\" or empty parts, and is neither / nor below /proc, /sys, /dev");
            if (!paths.Add(mount.Path))
                throw Refuse.Invalid($"{path}.mounts[{i}].path", $"two volumes are mounted on {mount.Path}");
        }
    }

    private void CheckNetworks(string path, string machine, IReadOnlyList<MachineNetwork> networks)
    {
        if (networks.Count > MaxNetworks)
            throw Refuse.Invalid($"{path}.networks", $"a machine has at most {MaxNetworks} networks");
        for (int i = 0; i < networks.Count; i++)
        {
            MachineNetwork network = networks[i];
            CheckAliases($"{path}.networks[{i}].aliases", network.Aliases ?? []);
            bool foreign = IsForeign(network.Network, $"{path}.networks[{i}].network");
            if (!ranges.TryGetValue(network.Network, out Ipv4Range range) && !foreign)
                throw Refuse.Invalid($"{path}.networks[{i}].network", $"this deployment has no network \"{network.Network}\"");
            for (int j = 0; j < i; j++)
            {
                if (networks[j].Network == network.Network)
                    throw Refuse.Invalid($"{path}.networks[{i}].network", $"the machine is in \"{network.Network}\" already");
                if (!foreign && ranges.TryGetValue(networks[j].Network, out Ipv4Range other) && other.Overlaps(range))
                    throw Refuse.Invalid($"{path}.networks[{i}].network",
                        $"the ranges of \"{network.Network}\" and \"{networks[j].Network}\" overlap; one machine cannot be in both");
            }
            if (network.Ip is not { } ip)
                continue;
            string at = $"{path}.networks[{i}].ip";
            if (!Ipv4Range.TryParseAddress(ip, out uint address))
                throw Refuse.Invalid(at, "an address is an IPv4 address such as 10.77.1.10");
            if (!foreign)
                CheckAddress(at, ip, address, range);
            if (!_addresses.TryAdd((network.Network, address), machine))
                throw Refuse.Invalid(at, $"machine \"{_addresses[(network.Network, address)]}\" has {ip} already");
        }
    }

    /// <summary>A machine's address in a network of that range.</summary>
    internal static void CheckAddress(string path, string ip, uint address, Ipv4Range range)
    {
        if (!range.Contains(address))
            throw Refuse.Invalid(path, $"{ip} is outside the network's range");
        if (address == range.Network || address == range.Broadcast)
            throw Refuse.Invalid(path, $"{ip} is the network's own or its broadcast address");
        if (address == range.Gateway)
            throw Refuse.Invalid(path, $"{ip} is the network's gateway");
    }

    private static void CheckAliases(string path, IReadOnlyList<string> aliases)
    {
        if (aliases.Count > MaxAliases)
            throw Refuse.Invalid(path, $"a machine has at most {MaxAliases} more names in a network");
        for (int i = 0; i < aliases.Count; i++)
        {
            if (aliases[i].Length is < 1 or > MaxAliasLength || !char.IsAsciiLetterOrDigit(aliases[i][0])
                || !aliases[i].All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
                throw Refuse.Invalid($"{path}[{i}]",
                    $"a name is 1 to {MaxAliasLength} letters, digits, \".\", \"-\" and \"_\", the first of them a letter or digit");
        }
    }

    // "deployment/name": a part of another deployment of the same tenant.
    private static bool IsForeign(string reference, string path)
    {
        int slash = reference.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0 && !(Names.IsValid(reference[..slash]) && Names.IsValid(reference[(slash + 1)..])))
            throw Refuse.Invalid(path, "a part of another deployment is named deployment/name");
        return slash >= 0;
    }

    private void CheckPublished(string path, string machine, ZmachineData data)
    {
        if (data.Publish.Count > MaxPublished)
            throw Refuse.Invalid($"{path}.publish", $"a machine publishes at most {MaxPublished} ports");
        if (data.Publish.Count > 0 && data.Networks.Count == 0)
            throw Refuse.Invalid($"{path}.publish", "a machine without a network cannot publish a port");
        for (int i = 0; i < data.Publish.Count; i++)
        {
            PublishedPort port = data.Publish[i];
            if (port.Host is < 1 or > 65535)
                throw Refuse.Invalid($"{path}.publish[{i}].host", "a port is between 1 and 65535");
            if (port.Guest is < 1 or > 65535)
                throw Refuse.Invalid($"{path}.publish[{i}].guest", "a port is between 1 and 65535");
            if (PortRanges.Reserved.Contains(port.Host))
                throw Refuse.Invalid($"{path}.publish[{i}].host", $"port {port.Host} belongs to the node itself");
            if (!_ports.TryAdd((port.Protocol, port.Host), machine))
                throw Refuse.Invalid($"{path}.publish[{i}].host", $"port {port.Host} is published by machine \"{_ports[(port.Protocol, port.Host)]}\" already");
        }
    }

    /// <summary>An absolute path without odd parts, neither the root nor one of the machine's own folders.</summary>
    internal static bool IsMountPath(string path)
    {
        if (path.Length is < 2 or > 1024 || path[0] != '/' || HasControl(path))
            return false;
        foreach (Range part in path.AsSpan(1).Split('/'))
        {
            if (path.AsSpan(1)[part] is "" or "." or "..")
                return false;
        }
        return !Array.Exists(s_ownPaths, own => path == own || path.StartsWith(own + "/", StringComparison.Ordinal));
    }

    /// <summary>A name or a number, perhaps with a colon and a group.</summary>
    internal static bool IsUser(string user)
    {
        string[] parts = user.Split(':');
        return user.Length <= 128 && parts.Length <= 2
            && Array.TrueForAll(parts, p => p.Length > 0 && p[0] != '-' && p.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '$'));
    }

    /// <summary>Whether there is a control character in it.</summary>
    internal static bool HasControl(string text) => text.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0 || text.Contains('\x7f');
}
