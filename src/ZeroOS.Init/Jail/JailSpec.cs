using System.Globalization;

using ZeroOS.Contracts.Init;
using ZeroOS.Linux;

namespace ZeroOS.Init.Jail;

/// <summary>What the root directory of a jail holds.</summary>
internal enum JailRoot
{
    /// <summary>The node's own root: no jail for files.</summary>
    Shared,

    /// <summary>Nothing, read-only.</summary>
    Empty,

    /// <summary>/etc (name service, CA bundle) and /dev/urandom, /dev/null; read-only.</summary>
    Network,
}

/// <summary>
/// The jail one program is started in, as PID 1 says it to <c>zeroos enter</c> on its command line: one option a restriction, so that <c>ps</c> shows
/// what a process may do. The program itself is open as descriptor <see cref="ProgramDescriptor"/>.
/// </summary>
internal sealed record JailSpec
{
    /// <summary>Where <c>enter</c> finds the kernel log; closed before the program runs.</summary>
    internal const int LogDescriptor = 8;

    /// <summary>Where <c>enter</c> finds the program; closed by its execution.</summary>
    internal const int ProgramDescriptor = 9;

    /// <summary>Directory of the control group to join, or "" to stay.</summary>
    public string ControlGroup { get; init; } = "";

    /// <summary>Namespaces to leave for new ones.</summary>
    public Namespaces Unshare { get; init; }

    /// <summary>Its root directory.</summary>
    public JailRoot Root { get; init; }

    /// <summary>User it becomes.</summary>
    public uint Uid { get; init; }

    /// <summary>Its only group.</summary>
    public uint Gid { get; init; }

    /// <summary>Capabilities it keeps, as bits.</summary>
    public CapabilitySet Capabilities { get; init; }

    /// <summary>Open files at most.</summary>
    public int OpenFiles { get; init; } = 1024;

    /// <summary>Bytes it may lock in memory.</summary>
    public long LockedMemory { get; init; } = 8 << 20;

    /// <summary>How soon the kernel takes it when memory is short: -1000 (never) to 1000.</summary>
    public int OutOfMemoryScore { get; init; }

    /// <summary>How many descriptors it is handed, from <see cref="InitLimits.FirstDescriptor"/> on.</summary>
    public int Descriptors { get; init; }

    /// <summary>"NAME=value", all of its environment.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>argv, the name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The arguments of <c>zeroos</c> that say this.</summary>
    public IReadOnlyList<string> ToArguments()
    {
        List<string> arguments =
        [
            "enter",
            $"--cgroup={ControlGroup}",
            $"--unshare={(int)Unshare:x}",
            $"--root={Root}",
            $"--uid={Uid}",
            $"--gid={Gid}",
            $"--capabilities={Capabilities.Bits:x}",
            $"--open-files={OpenFiles}",
            $"--locked-memory={LockedMemory}",
            $"--oom-score={OutOfMemoryScore}",
            $"--descriptors={Descriptors}",
        ];
        arguments.AddRange(Environment.Select(e => $"--env={e}"));
        arguments.Add("--");
        arguments.AddRange(Arguments);
        return arguments;
    }

    /// <summary>Reads what <see cref="ToArguments"/> wrote, the role's name left out.</summary>
    /// <exception cref="FormatException">An option is unknown, has no value, or none that fits; or no program follows.</exception>
    public static JailSpec Parse(IReadOnlyList<string> arguments)
    {
        List<string> environment = [];
        JailSpec spec = new() { Arguments = [] };
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--")
            {
                spec = spec with { Environment = environment, Arguments = [.. arguments.Skip(i + 1)] };
                return spec.Arguments.Count > 0 ? spec : throw new FormatException("enter: no program after --");
            }
            int equals = arguments[i].IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                throw new FormatException($"enter: {arguments[i]} is no option with a value");
            string value = arguments[i][(equals + 1)..];
            CultureInfo c = CultureInfo.InvariantCulture;
            spec = arguments[i][..equals] switch
            {
                "--cgroup" => spec with { ControlGroup = value },
                "--unshare" => spec with { Unshare = (Namespaces)int.Parse(value, NumberStyles.AllowHexSpecifier, c) },
                "--root" => spec with { Root = Enum.Parse<JailRoot>(value) },
                "--uid" => spec with { Uid = uint.Parse(value, NumberStyles.None, c) },
                "--gid" => spec with { Gid = uint.Parse(value, NumberStyles.None, c) },
                "--capabilities" => spec with { Capabilities = new CapabilitySet(ulong.Parse(value, NumberStyles.AllowHexSpecifier, c)) },
                "--open-files" => spec with { OpenFiles = int.Parse(value, NumberStyles.None, c) },
                "--locked-memory" => spec with { LockedMemory = long.Parse(value, NumberStyles.None, c) },
                "--oom-score" => spec with { OutOfMemoryScore = int.Parse(value, NumberStyles.AllowLeadingSign, c) },
                "--descriptors" => spec with { Descriptors = int.Parse(value, NumberStyles.None, c) },
                "--env" => Add(environment, value, spec),
                _ => throw new FormatException($"enter: {arguments[i]} is not known"),
            };
        }
        throw new FormatException("enter: no -- and no program");
    }

    private static JailSpec Add(List<string> environment, string value, JailSpec spec)
    {
        environment.Add(value);
        return spec;
    }
}
