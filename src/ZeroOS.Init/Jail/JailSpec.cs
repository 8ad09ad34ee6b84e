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

    /// <summary>Bytes of the largest file it may write, memory files included; null: no limit. Beyond it a write is EFBIG.</summary>
    public long? FileBytes { get; init; }

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
        if (FileBytes is { } bytes)
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--file-bytes={bytes}"));
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
            try
            {
                spec = spec.With(arguments[i][..equals], arguments[i][(equals + 1)..], environment);
            }
            catch (OverflowException e)
            {
                throw new FormatException($"enter: {arguments[i]}: {e.Message}", e);
            }
        }
        throw new FormatException("enter: no -- and no program");
    }

    private JailSpec With(string option, string value, List<string> environment)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        return option switch
        {
            "--cgroup" => this with { ControlGroup = value },
            "--unshare" => this with { Unshare = (Namespaces)int.Parse(value, NumberStyles.AllowHexSpecifier, c) },
            "--root" => this with
            {
                Root = Enum.TryParse(value, out JailRoot root) && Enum.IsDefined(root)
                ? root : throw new FormatException($"enter: {value} is no root")
            },
            "--uid" => this with { Uid = uint.Parse(value, NumberStyles.None, c) },
            "--gid" => this with { Gid = uint.Parse(value, NumberStyles.None, c) },
            "--capabilities" => this with { Capabilities = new CapabilitySet(ulong.Parse(value, NumberStyles.AllowHexSpecifier, c)) },
            "--open-files" => this with { OpenFiles = int.Parse(value, NumberStyles.None, c) },
            "--locked-memory" => this with { LockedMemory = long.Parse(value, NumberStyles.None, c) },
            "--oom-score" => this with { OutOfMemoryScore = int.Parse(value, NumberStyles.AllowLeadingSign, c) },
            "--file-bytes" => this with { FileBytes = long.Parse(value, NumberStyles.None, c) },
            "--descriptors" => this with { Descriptors = int.Parse(value, NumberStyles.None, c) },
            "--env" => Add(environment, value, this),
            _ => throw new FormatException($"enter: {option} is not known"),
        };
    }

    private static JailSpec Add(List<string> environment, string value, JailSpec spec)
    {
        environment.Add(value);
        return spec;
    }
}
