using System.CommandLine;
using System.Globalization;

using ZeroOS.Cli.Sessions;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>What "zos run" says about the inside of a machine, in Docker's words; a word that is not typed is left to the node.</summary>
internal sealed record RunInside
{
    private static readonly Option<string?> s_hostname = new("--hostname", "-h") { HelpName = "NAME", Description = "host name (default: the machine's name)" };
    private static readonly Option<string[]> s_label = new("--label", "-l") { HelpName = "NAME=VALUE", Description = "keep a label with the machine" };
    private static readonly Option<string[]> s_addHost = new("--add-host")
    {
        HelpName = "NAME:IP",
        Description = "add a line to /etc/hosts; host-gateway is the gateway's address"
    };
    private static readonly Option<string[]> s_dns = new("--dns") { HelpName = "IP", Description = "use this name server" };
    private static readonly Option<string[]> s_dnsSearch = new("--dns-search") { HelpName = "DOMAIN", Description = "look for short names in this domain" };
    private static readonly Option<string[]> s_dnsOption = new("--dns-option") { HelpName = "OPTION", Description = "set an option of resolv.conf" };
    private static readonly Option<string[]> s_groupAdd = new("--group-add") { HelpName = "GROUP", Description = "add a group to the program's" };
    private static readonly Option<string[]> s_capAdd = new("--cap-add") { HelpName = "NAME", Description = "add a capability; ALL adds every one" };
    private static readonly Option<string[]> s_capDrop = new("--cap-drop") { HelpName = "NAME", Description = "drop a capability; ALL drops every one" };
    private static readonly Option<bool> s_privileged = new("--privileged") { Description = "give the program all capabilities and devices of the machine" };
    private static readonly Option<bool> s_readOnly = new("--read-only") { Description = "make the root read-only; volumes stay writable" };
    private static readonly Option<string[]> s_tmpfs = new("--tmpfs")
    {
        HelpName = "PATH[:OPTIONS]",
        Description = "mount a file system in memory, as /run:size=64m,mode=1777"
    };
    private static readonly Option<string?> s_shmSize = new("--shm-size") { HelpName = "SIZE", Description = "size of /dev/shm (default: 64MiB)" };
    private static readonly Option<string[]> s_ulimit = new("--ulimit")
    {
        HelpName = "NAME=SOFT[:HARD]",
        Description = "set a limit of each process; -1 is none"
    };
    private static readonly Option<string[]> s_sysctl = new("--sysctl") { HelpName = "NAME=VALUE", Description = "set a parameter of the kernel" };
    private static readonly Option<bool> s_init = new("--init") { Description = "run an init as process 1 that passes on signals and reaps" };
    private static readonly Option<int?> s_pidsLimit = new("--pids-limit") { HelpName = "NUMBER", Description = "bound processes and threads" };

    /// <summary>All of them.</summary>
    public static Option[] Options =>
    [
        s_hostname, s_label, s_addHost, s_dns, s_dnsSearch, s_dnsOption, s_groupAdd, s_capAdd, s_capDrop, s_privileged, s_readOnly, s_tmpfs, s_shmSize,
        s_ulimit, s_sysctl, s_init, s_pidsLimit,
    ];

    public string? Hostname { get; init; }

    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public IReadOnlyList<string>? ExtraHosts { get; init; }

    public MachineDns? Dns { get; init; }

    public IReadOnlyList<string>? Groups { get; init; }

    public IReadOnlyList<string>? CapAdd { get; init; }

    public IReadOnlyList<string>? CapDrop { get; init; }

    public bool Privileged { get; init; }

    public bool ReadOnlyRoot { get; init; }

    public IReadOnlyList<MachineTmpfs>? Tmpfs { get; init; }

    public ByteSize? Shm { get; init; }

    public IReadOnlyList<MachineUlimit>? Ulimits { get; init; }

    public IReadOnlyDictionary<string, string>? Sysctls { get; init; }

    public bool Init { get; init; }

    public int? Pids { get; init; }

    public IReadOnlyList<MachineFile>? Files { get; init; }

    /// <summary>What was typed.</summary>
    /// <exception cref="CliException">A word is not as it has to be.</exception>
    public static RunInside Read(ParseResult parsed)
    {
        IReadOnlyList<string>? servers = Given(parsed, s_dns), search = Given(parsed, s_dnsSearch), options = Given(parsed, s_dnsOption);
        return new RunInside
        {
            Hostname = parsed.GetValue(s_hostname),
            Labels = Given(parsed, s_label) is { } labels ? ParseLabels(labels) : null,
            // Newer Dockers write "=" too.
            ExtraHosts = Given(parsed, s_addHost)?.Select(h => h.Replace('=', ':')).ToList(),
            Dns = servers is null && search is null && options is null ? null : new MachineDns { Servers = servers, Search = search, Options = options },
            Groups = Given(parsed, s_groupAdd),
            CapAdd = Given(parsed, s_capAdd),
            CapDrop = Given(parsed, s_capDrop),
            Privileged = parsed.GetValue(s_privileged),
            ReadOnlyRoot = parsed.GetValue(s_readOnly),
            Tmpfs = Given(parsed, s_tmpfs)?.Select(ParseTmpfs).ToList(),
            Shm = parsed.GetValue(s_shmSize) is { } shm ? RunRequest.ParseMemory(shm) : null,
            Ulimits = Given(parsed, s_ulimit)?.Select(ParseUlimit).ToList(),
            Sysctls = Given(parsed, s_sysctl) is { } sysctls ? ParseSysctls(sysctls) : null,
            Init = parsed.GetValue(s_init),
            Pids = parsed.GetValue(s_pidsLimit) is > 0 and int pids ? pids : null,      // Docker's 0 and -1 are no limit
        };
    }

    /// <summary>The machine with these words.</summary>
    public ZmachineData With(ZmachineData data) => data with
    {
        Hostname = Hostname,
        Labels = Labels,
        ExtraHosts = ExtraHosts,
        Dns = Dns,
        Groups = Groups,
        CapAdd = CapAdd,
        CapDrop = CapDrop,
        Privileged = Privileged,
        ReadOnlyRoot = ReadOnlyRoot,
        Tmpfs = Tmpfs,
        Shm = Shm,
        Ulimits = Ulimits,
        Sysctls = Sysctls,
        Init = Init,
        Pids = Pids,
        Files = Files,
    };

    /// <summary>NAME=VALUE, or NAME with an empty value.</summary>
    public static Dictionary<string, string> ParseLabels(IEnumerable<string> options)
    {
        Dictionary<string, string> labels = new(StringComparer.Ordinal);
        foreach (string option in options)
        {
            string[] parts = option.Split('=', 2);
            if (parts[0].Length == 0)
                throw new CliException($"--label \"{option}\" has no name; write NAME=VALUE", CliException.Usage);
            labels[parts[0]] = parts.Length == 2 ? parts[1] : "";
        }
        return labels;
    }

    /// <summary>NAME=VALUE.</summary>
    public static Dictionary<string, string> ParseSysctls(IEnumerable<string> options)
    {
        Dictionary<string, string> sysctls = new(StringComparer.Ordinal);
        foreach (string option in options)
        {
            if (option.Split('=', 2) is not [{ Length: > 0 } name, { Length: > 0 } value])
                throw new CliException($"--sysctl {option} is not NAME=VALUE", CliException.Usage);
            sysctls[name] = value;
        }
        return sysctls;
    }

    /// <summary>NAME=SOFT[:HARD]; the soft limit alone is the hard one too.</summary>
    public static MachineUlimit ParseUlimit(string option)
    {
        if (option.Split('=') is [string name, string values] && values.Split(':') is [string soft, .. string[] more] && more.Length <= 1
            && TryLimit(soft, out long least) && TryLimit(more.Length == 0 ? soft : more[0], out long most))
            return new MachineUlimit { Name = name, Soft = least, Hard = most };
        throw new CliException($"--ulimit {option} is not NAME=SOFT[:HARD], as nofile=1024:65536", CliException.Usage);
    }

    /// <summary>PATH[:OPTIONS], separated by commas; size and mode are words of their own.</summary>
    public static MachineTmpfs ParseTmpfs(string option)
    {
        string[] parts = option.Split(':');
        if (parts is not ([_] or [_, _]) || !parts[0].StartsWith('/'))
            throw new CliException($"--tmpfs {option} is not PATH[:OPTIONS], as /run:size=64m,mode=1777", CliException.Usage);
        MachineTmpfs tmpfs = new() { Path = parts[0] };
        List<string> options = [];
        foreach (string word in parts is [_, { Length: > 0 } words] ? words.Split(',') : [])
        {
            if (word.StartsWith("size=", StringComparison.Ordinal))
                tmpfs = tmpfs with { Size = RunRequest.ParseMemory(word["size=".Length..]) };
            else if (word.StartsWith("mode=", StringComparison.Ordinal))
                tmpfs = tmpfs with { Mode = word["mode=".Length..] };
            else
                options.Add(word);
        }
        return tmpfs with { Options = options.Count == 0 ? null : options };
    }

    /// <summary>
    /// Processors with at most three decimals, as "1.5": so many virtual ones as are needed, and a quota in thousandths of one where that is less.
    /// </summary>
    public static (int Cpus, int? Quota) ParseCpus(string option)
    {
        if (!decimal.TryParse(option, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal cpus) || cpus is <= 0 or > 1024
            || cpus * 1000 % 1 != 0)
            throw new CliException($"--cpus {option} is no number of processors, such as 2 or 0.5", CliException.Usage);
        int whole = (int)decimal.Ceiling(cpus);
        return (whole, whole == cpus ? null : (int)(cpus * 1000));
    }

    private static string[]? Given(ParseResult parsed, Option<string[]> option) => parsed.GetValue(option) is { Length: > 0 } values ? values : null;

    private static bool TryLimit(string text, out long limit)
    {
        limit = -1;
        return text is "-1" or "unlimited" || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit);
    }
}
