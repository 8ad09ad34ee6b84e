using System.Globalization;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Images;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Creation;

/// <summary>A creation in Docker's words as the workloads of a deployment: one machine, and a network of its own where it is in the bridge.</summary>
/// <param name="body">What was sent.</param>
/// <param name="id">The container's id.</param>
/// <param name="networks">Where it is.</param>
/// <param name="disks">Its volumes, and files of this computer.</param>
/// <param name="image">The image that it names.</param>
/// <param name="published">Its ports of the node.</param>
internal sealed class MachineParts(JsonObject body, string id, ResolvedImage image, IReadOnlyList<MachineNetwork> networks,
    MachineDisks disks, IReadOnlyList<PublishedPort> published)
{
    private const string Range = "10.77.0.0/24";
    private const long MinMemory = 64L << 20, MemoryStep = 2L << 20, NanoCpu = 1_000_000_000, MilliCpu = NanoCpu / 1000;
    private const int MaxCpus = 8, MaxStopSeconds = 600;

    private readonly JsonObject _host = body.Object("HostConfig");

    /// <summary>The workloads.</summary>
    /// <exception cref="DockerFault">400: a value that cannot be honoured.</exception>
    public IReadOnlyList<Workload> Workloads()
    {
        (int cpus, int? quota) = Cpus();
        (RestartPolicy restart, int? mostRestarts) = Restart();
        ZmachineData data = new()
        {
            Flist = image.Flist,
            Cpu = cpus,
            CpuQuota = quota,
            Memory = Memory(),
            Entrypoint = Entrypoint(out IReadOnlyList<string>? arguments),
            Args = arguments,
            Env = Environment(),
            User = body.Text("User"),
            Workdir = body.Text("WorkingDir"),
            Tty = body.Flag("Tty"),
            Stdin = body.Flag("OpenStdin"),
            Networks = networks,
            Publish = published,
            Restart = restart,
            MaxRestarts = mostRestarts,
            Run = false,
            Stop = Stop(),
        };
        ZmachineWorkload machine = new() { Name = Container.MachineName, Data = disks.With(new InsideParts(body, id).With(data)) };
        return networks.Any(n => n.Network == NetworkParts.Own)
            ? [new NetworkWorkload { Name = NetworkParts.Own, Data = new NetworkData { Range = Range } }, machine] : [machine];
    }

    private IReadOnlyList<string>? Entrypoint(out IReadOnlyList<string>? arguments)
    {
        IReadOnlyList<string>? entrypoint = body.Strings("Entrypoint");
        arguments = body.Strings("Cmd") is { Count: > 0 } cmd ? cmd : null;
        if (entrypoint is null or { Count: 0 })
            return null;
        if (entrypoint is not [""])
            return entrypoint;
        IReadOnlyList<string> program = arguments ?? throw DockerFault.Bad("no command specified: the image's entrypoint is cleared and there is none instead");
        arguments = null;
        return program;
    }

    private Dictionary<string, string> Environment()
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal);
        IReadOnlyList<string> own = image.Image.Object("config").Strings("Env") ?? [];
        foreach (string variable in body.Strings("Env") ?? [])
        {
            int equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                environment[variable[..equals]] = variable[(equals + 1)..];
            else if (equals == 0)
                throw DockerFault.Bad($"Env \"{variable}\" has no name");
            else if (own.Any(v => v.StartsWith(variable + "=", StringComparison.Ordinal)))
                throw DockerFault.Bad($"Env \"{variable}\" cannot be honoured: a variable of the image cannot be removed; set it to nothing with {variable}=");
        }
        return environment;
    }

    private ByteSize? Memory() => _host.Number("Memory") is > 0 and long bytes
        ? new ByteSize((Math.Max(bytes, MinMemory) + MemoryStep - 1) / MemoryStep * MemoryStep) : null;

    // So many whole processors as are needed, and a quota where that is less.
    private (int Whole, int? Quota) Cpus()
    {
        long quota = _host.Number("CpuQuota"), period = _host.Number("CpuPeriod");
        decimal nanos = _host.Number("NanoCpus") is > 0 and long given ? given
            : quota > 0 ? decimal.Floor((decimal)quota * NanoCpu / (period > 0 ? period : 100_000)) : NanoCpu;
        if (nanos > MaxCpus * NanoCpu)
            throw DockerFault.Bad($"HostConfig.NanoCpus: a machine has at most {MaxCpus} processors");
        return ((int)decimal.Ceiling(nanos / NanoCpu), nanos % NanoCpu == 0 ? null : (int)(nanos / MilliCpu));
    }

    private (RestartPolicy Policy, int? Most) Restart()
    {
        JsonObject policy = _host.Object("RestartPolicy");
        string name = policy.Text("Name") ?? "no";
        if (name != "no" && _host.Flag("AutoRemove"))
            throw DockerFault.Bad("can't create 'AutoRemove' container with restart policy");
        int? most = policy.Number("MaximumRetryCount") is > 0 and long count ? (int)Math.Min(count, int.MaxValue) : null;
        if (most is not null && name != "on-failure")
            throw DockerFault.Bad("invalid restart policy: maximum retry count can only be used with 'on-failure'");
        return name switch
        {
            "no" => (RestartPolicy.Never, null),
            "always" or "unless-stopped" => (RestartPolicy.Always, null),
            "on-failure" => (RestartPolicy.OnFailure, most),
            _ => throw DockerFault.Bad($"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"),
        };
    }

    private StopPolicy Stop()
    {
        StopPolicy stop = new() { Signal = body.Text("StopSignal") };
        if (body["StopTimeout"] is null)
            return stop;
        long seconds = body.Number("StopTimeout");
        return seconds is >= 0 and <= MaxStopSeconds
            ? stop with { Timeout = string.Create(CultureInfo.InvariantCulture, $"{seconds}s") }
            : throw DockerFault.Bad($"StopTimeout: a stop takes 0 to {MaxStopSeconds} seconds");
    }
}
