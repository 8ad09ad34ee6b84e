using System.Globalization;
using System.Text.RegularExpressions;

using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>What "zos run" was asked for, as a deployment of one machine, one network and the named volumes.</summary>
internal sealed partial record RunRequest
{
    /// <summary>The machine's name in its deployment.</summary>
    public const string Machine = "main";

    private const string Network = "net";
    private const string Range = "10.77.0.0/24";

    public required string Name { get; init; }

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required IReadOnlyList<PublishedPort> Ports { get; init; }

    public required IReadOnlyList<MachineMount> Mounts { get; init; }

    public required ByteSize VolumeSize { get; init; }

    public string? User { get; init; }

    public string? Workdir { get; init; }

    public string? Entrypoint { get; init; }

    public required RestartPolicy Restart { get; init; }

    public HealthCheck? Health { get; init; }

    /// <summary>Null: without end.</summary>
    public int? MaxRestarts { get; init; }

    /// <summary>Started when it is made; else by zos start.</summary>
    public bool Run { get; init; } = true;

    /// <summary>The node deletes it when its program has ended.</summary>
    public bool Remove { get; init; }

    public required ByteSize Memory { get; init; }

    public required (int Count, int? Quota) Cpus { get; init; }

    public bool Tty { get; init; }

    public bool Stdin { get; init; }

    public required IReadOnlyList<string> Command { get; init; }

    public required RunInside Inside { get; init; }

    /// <summary>A name made from the image's, with four characters by chance: two runs of one image are two deployments.</summary>
    public static string NameFor(string image)
    {
        string text = image.ToLowerInvariant();
        int slash = text.LastIndexOf('/'), colon = text.LastIndexOf(':');
        if (slash >= 0 && colon > slash)
            text = text[..colon];
        text = NotAllowed().Replace(text[(text.LastIndexOfAny(['/', ':']) + 1)..], "-").Trim('-');
        if (text.Length > 30)
            text = text[..30].Trim('-');
        return $"{(text.Length == 0 ? "run" : text)}-{Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 2))}";
    }

    /// <summary>NAME=VALUE, or NAME for this computer's value.</summary>
    public static Dictionary<string, string> ParseEnvironment(IEnumerable<string> options)
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal);
        foreach (string option in options)
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? option : option[..equals];
            if (name.Length == 0)
                throw new CliException($"-e \"{option}\" has no name; write NAME=VALUE", CliException.Usage);
            environment[name] = equals >= 0 ? option[(equals + 1)..]
                : System.Environment.GetEnvironmentVariable(name)
                    ?? throw new CliException($"-e {name}: this computer has no such variable; write {name}=VALUE", CliException.Usage);
        }
        return environment;
    }

    /// <summary>A size as Docker writes it (512m, 2g: binary units, a bare number is bytes) or as everything else here does (512MiB).</summary>
    public static ByteSize ParseMemory(string option) =>
        option.Length > 1 && char.IsAsciiDigit(option[^2]) && "bkmgBKMG".IndexOf(option[^1]) is >= 0 and int unit
        ? SizeArgument.Parse(option[..^1] + (unit % 4) switch { 0 => "B", 1 => "KiB", 2 => "MiB", _ => "GiB" })
        : SizeArgument.Parse(option);

    /// <summary>HOST:GUEST[/tcp|/udp].</summary>
    public static PublishedPort ParsePort(string option)
    {
        string[] protocol = option.Split('/');
        string[] ports = protocol[0].Split(':');
        if (ports is [_])
            throw new CliException($"-p {option} names no port of the node; write HOST:GUEST, as -p 8080:{ports[0]}", CliException.Usage);
        if (ports is [_, _, _])
            throw new CliException($"-p {option}: the node's addresses are the farmer's; write HOST:GUEST, as -p {ports[1]}:{ports[2]}", CliException.Usage);
        bool good = int.TryParse(ports[0], NumberStyles.None, CultureInfo.InvariantCulture, out int host)
            & int.TryParse(ports[1], NumberStyles.None, CultureInfo.InvariantCulture, out int guest)
            & host is >= 1 and <= 65535 & guest is >= 1 and <= 65535 & protocol is [_] or [_, "tcp" or "udp"];
        return good
            ? new PublishedPort { Host = host, Guest = guest, Protocol = protocol is [_, "udp"] ? PortProtocol.Udp : PortProtocol.Tcp }
            : throw new CliException($"-p {option} is not HOST:GUEST[/tcp|/udp]", CliException.Usage);
    }

    /// <summary>NAME:PATH[:ro].</summary>
    public static MachineMount ParseVolume(string option)
    {
        string[] parts = option.Split(':');
        if (parts[0].StartsWith('/') || parts[0].StartsWith('.') || parts[0].StartsWith('~'))
            throw new CliException(
                $"-v {option}: a node has no folder of yours to mount; name a volume (-v data:{parts[^1]}) and put the files into the image or the volume",
                CliException.Usage);
        if (parts is not ([_, ['/', ..]] or [_, ['/', ..], "ro" or "rw"]) || !NamePattern().IsMatch(parts[0]))
            throw new CliException($"-v {option} is not NAME:PATH[:ro]; the name has lower-case letters, digits and hyphens", CliException.Usage);
        return new MachineMount { Volume = parts[0], Path = parts[1], ReadOnly = parts is [_, _, "ro"] };
    }

    /// <summary>Docker's words for restart policies, and how often at most; "on-failure:0" is without end.</summary>
    public static (RestartPolicy Policy, int? MaxRestarts) ParseRestart(string option) => option.Split(':') switch
    {
        ["no" or "never"] => (RestartPolicy.Never, null),
        ["on-failure"] => (RestartPolicy.OnFailure, null),
        ["on-failure", string text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int times) && times <= 1000 =>
            (RestartPolicy.OnFailure, times == 0 ? null : times),
        ["always" or "unless-stopped"] => (RestartPolicy.Always, null),
        _ => throw new CliException($"--restart {option} is none of no, on-failure, on-failure:TIMES (at most 1000), always", CliException.Usage),
    };

    /// <summary>The deployment.</summary>
    public Deployment ToDeployment(FlistReference flist)
    {
        if (!NamePattern().IsMatch(Name))
            throw new CliException($"\"{Name}\" is no deployment's name: 1 to 36 lower-case letters, digits and inner hyphens", CliException.Usage);
        return new Deployment { Name = Name, Version = 1, Workloads = [NetworkPart(), .. Volumes(), MachinePart(flist)] };
    }

    private static NetworkWorkload NetworkPart() => new() { Name = Network, Data = new NetworkData { Range = Range } };

    private IEnumerable<ZmountWorkload> Volumes() => Mounts.Select(m => m.Volume).Distinct()
        .Select(v => new ZmountWorkload { Name = v, Data = new ZmountData { Size = VolumeSize } });

    private ZmachineWorkload MachinePart(FlistReference flist) => new()
    {
        Name = Machine,
        Data = Inside.With(new ZmachineData
        {
            Flist = flist,
            Cpu = Cpus.Count,
            CpuQuota = Cpus.Quota,
            Memory = Memory,
            Entrypoint = Entrypoint is null ? null : [Entrypoint],
            Args = Command.Count == 0 ? null : Command,
            Env = Environment,
            User = User,
            Workdir = Workdir,
            Tty = Tty,
            Stdin = Stdin,
            Mounts = Mounts,
            Networks = [new MachineNetwork { Network = Network }],
            Publish = Ports,
            Restart = Restart,
            Health = Health,
            MaxRestarts = MaxRestarts,
            Run = Run ? null : false,
            Remove = Remove ? RemovePolicy.OnExit : null,
        }),
    };

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,34}[a-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex("[^a-z0-9]+", RegexOptions.CultureInvariant)]
    private static partial Regex NotAllowed();
}
