using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;
using ZeroOS.Workloads;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>
/// Merges an image's config with a deployment's wish as Docker does (OCI image spec, "config"), into what the guest is told. The config is hostile.
/// </summary>
internal static class GuestSpecBuilder
{
    private const long DefaultShmBytes = 64L << 20;     // Docker's

    /// <summary>The whole spec.</summary>
    /// <exception cref="WorkloadException">no-command, no-health-check, image-invalid, spec-too-large: all permanent, for the digest decides them.</exception>
    public static GuestSpec Build(WorkloadId id, WorkloadNames names, ZmachineData data, ImageConfig image, IReadOnlyList<MachineNic> nics,
        IReadOnlyList<string> hosts, DateTimeOffset now)
    {
        // One network leads out; two default routes would be none.
        MachineNic? outward = nics.FirstOrDefault(n => n.LeadsOut), gate = outward ?? (nics.Count > 0 ? nics[0] : null);
        GuestSpec spec = new()
        {
            Hostname = data.Hostname ?? id.Name,
            RootDisk = names.SerialOf(DiskIds.Image(id)),
            WritableDisk = names.SerialOf(DiskIds.Root(id)),
            Mounts = [.. data.Mounts.Select(m => new GuestMount { Disk = names.SerialOf(id.Named(m.Volume)), Path = m.Path, ReadOnly = m.ReadOnly })],
            Nics = [.. nics.Select(n =>
                new GuestNic { Mac = n.Mac, Addresses = [n.AddressWithPrefix], Gateway = n == outward ? n.Gateway : null, Mtu = n.Mtu })],
            Resolvers = data.Dns?.Servers ?? outward?.Resolvers ?? [],
            Search = [.. (data.Dns?.Search ?? []).Where(s => s != ".")],
            ResolverOptions = data.Dns?.Options ?? [],
            Tmpfs = [.. (data.Tmpfs ?? []).Select(TmpfsOptions.ToGuest)],
            Sysctls = data.Sysctls ?? new Dictionary<string, string>(),
            ShmBytes = data.Shm?.Bytes ?? DefaultShmBytes,
            ReadOnlyRoot = data.ReadOnlyRoot,
            Pids = data.Pids,
            CpuQuota = data.CpuQuota,
            Files = [.. (data.Files ?? []).Select(MachineFilesValidator.ToGuest)],
            Hosts = [.. hosts, .. (data.ExtraHosts ?? []).Select(h => HostsLine(h, gate?.Gateway))],
            Process = Merge(data, image),
            Health = HealthMerge.Merge(data.Health, image),
            UnixTimeNs = now.ToUnixTimeMilliseconds() * 1_000_000,
        };
        int size = JsonSerializer.SerializeToUtf8Bytes(spec, GuestJson.Default.GuestSpec).Length;
        return size <= GuestProtocol.MaxPayload ? spec
            : throw new WorkloadException("spec-too-large", $"image and deployment together tell the guest {BinarySizes.Text(size)}; 640KiB fit",
                permanent: true);
    }

    /// <summary>
    /// The process: an entrypoint of the deployment drops the image's command; variables are merged by name; the rest is the deployment's, else the image's.
    /// </summary>
    /// <exception cref="WorkloadException">no-command, image-invalid: permanent.</exception>
    public static GuestProcess Merge(ZmachineData data, ImageConfig image)
    {
        IReadOnlyList<string> entrypoint = data.Entrypoint ?? image.Entrypoint;
        IReadOnlyList<string> command = data.Args ?? (data.Entrypoint is null ? image.Cmd : []);
        List<string> arguments = [.. entrypoint, .. command];
        if (arguments.Count == 0 || arguments[0].Length == 0)
            throw new WorkloadException("no-command", "neither the image nor the deployment says which program to run; give an entrypoint or args",
                permanent: true);
        string user = data.User ?? image.User;
        string workdir = data.Workdir ?? image.WorkingDir;
        if (workdir.Length == 0)
            workdir = "/";
        else if (workdir[0] != '/')
            workdir = "/" + workdir;
        string? signal = data.Stop.Signal ?? (image.StopSignal.Length == 0 ? null : image.StopSignal);
        if (!Signals.TryNormalise(signal ?? "SIGTERM", out string stop))
            throw new WorkloadException("image-invalid", "the image's stop signal is not a signal; give stop.signal", permanent: true);
        List<string> environment = MergeEnvironment(data.Env, image.Env);
        if (arguments.Concat(environment).Append(user).Append(workdir).Any(t => t.Contains('\0')))
            throw new WorkloadException("image-invalid", "the image's config has a NUL in its command, environment, user or directory", permanent: true);
        return new GuestProcess
        {
            Arguments = arguments,
            Environment = environment,
            User = user,
            Groups = data.Groups ?? [],
            WorkingDirectory = workdir,
            StopSignal = stop,
            Privileged = data.Privileged,
            Capabilities = Capabilities.Of(data.CapAdd ?? [], data.CapDrop ?? []),
            Limits = [.. (data.Ulimits ?? []).Select(u => new GuestLimit { Resource = Ulimits.Number(u.Name), Soft = u.Soft, Hard = u.Hard })],
            Init = data.Init,
            Tty = data.Tty,
            Stdin = data.Stdin,
        };
    }

    private static string HostsLine(string text, string? gateway)
    {
        _ = ExtraHost.TryParse(text, out ExtraHost host);
        return $"{(host.IsGateway ? gateway : host.Address)} {host.Name}";
    }

    private static List<string> MergeEnvironment(IReadOnlyDictionary<string, string> wished, IReadOnlyList<string> image)
    {
        List<string> merged = [];
        HashSet<string> done = new(StringComparer.Ordinal);
        foreach (string line in image)
        {
            int equals = line.IndexOf('=');
            string name = equals < 0 ? line : line[..equals];
            if (name.Length == 0)
                continue;
            string value = wished.TryGetValue(name, out string? mine) ? mine : equals < 0 ? "" : line[(equals + 1)..];
            if (done.Add(name))
                merged.Add($"{name}={value}");
            else
                merged[merged.FindIndex(m => m.StartsWith(name + "=", StringComparison.Ordinal))] = $"{name}={value}";      // the last of an image's own counts
        }
        foreach ((string name, string value) in wished.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            if (!done.Contains(name))
                merged.Add($"{name}={value}");
        }
        return merged;
    }
}
