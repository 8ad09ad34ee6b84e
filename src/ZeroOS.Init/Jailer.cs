using ZeroOS.Contracts.Init;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>Starts programs through <c>zeroos enter</c>, found at <paramref name="enter"/>, in the jails of <see cref="Jails"/>; <paramref name="locate"/> says
/// where a program of the table is, which on a node is where the table says.</summary>
internal sealed class Jailer(ControlGroups groups, string enter, Func<string, string> locate, Action childStarted) : IJailer
{
    public int Start(InitMessage request, uint uid, IReadOnlyList<FileDescriptor> descriptors)
    {
        JailTemplate template = Jails.Of(request.Program!.Value);
        return Start(template, request.Name!, request.MemoryBytes ?? 0, uid, [.. request.Arguments ?? []], [], descriptors,
            request.Output is int output ? descriptors[output] : null);
    }

    /// <summary>Starts role node with its end of the socket and the screen, if there is one; what it says on standard error goes to the kernel log.</summary>
    public int StartNode(FileDescriptor socket, FileDescriptor? screen, IReadOnlyDictionary<string, string> settings)
    {
        using FileDescriptor log = OpenLog(), none = FileDescriptor.Open("/dev/null", OpenFlags.WriteOnly);
        int pid = Start(Jails.Node, "node", groups.NodeBytes(), 0, [], [.. settings.Select(s => $"ZEROOS_{s.Key.ToUpperInvariant()}={s.Value}")], [socket, screen ?? none], log);
        groups.Protect("node", ControlGroups.NodeLowBytes);
        return pid;
    }

    /// <summary>Starts a door with its end of the link to the node and the listening socket.</summary>
    public int StartDoor(FileDescriptor link, FileDescriptor listener)
    {
        using FileDescriptor log = OpenLog();
        return Start(Jails.Door, "door", Jails.Door.MaxMemoryBytes, Jails.DoorUser, [], [], [link, listener], log);
    }

    public Errno Kill(int pid, int signal) => ChildProcess.TryKill(pid, signal);

    public void Ended(string name) => groups.Remove(name);

    private int Start(JailTemplate template, string name, long memoryBytes, uint uid, IReadOnlyList<string> arguments, IReadOnlyList<string> environment,
        IReadOnlyList<FileDescriptor> descriptors, FileDescriptor? output)
    {
        using FileDescriptor program = FileDescriptor.Open(locate(template.Program), OpenFlags.ReadOnly);
        using FileDescriptor log = OpenLog(), nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        JailSpec spec = template.Spec with
        {
            ControlGroup = groups.Make(name, memoryBytes, template.MaxThreads, template.CpuWeight),
            Uid = uid,
            Descriptors = descriptors.Count,
            Environment = [.. template.Spec.Environment, .. environment],
            Arguments = [template.ArgumentZero, .. template.FirstArguments, .. arguments],
        };
        List<(FileDescriptor, int)> handed =
        [
            (nothing, 0), (output ?? nothing, 1), (output ?? nothing, 2), (log, JailSpec.LogDescriptor), (program, JailSpec.ProgramDescriptor),
        ];
        handed.AddRange(descriptors.Select((d, i) => (d, InitLimits.FirstDescriptor + i)));
        int pid = ChildProcess.Spawn(new ChildStart
        {
            Path = enter,
            Arguments = ["zeroos", .. spec.ToArguments()],
            Environment = ["DOTNET_GCHeapHardLimit=4000000"],
            Descriptors = handed,
            NewPidNamespace = template.OwnProcessIds,
        });
        childStarted();
        return pid;
    }

    private static FileDescriptor OpenLog()
        => FileDescriptor.TryOpen("/dev/kmsg", OpenFlags.WriteOnly, 0, out _) ?? FileDescriptor.Open("/dev/null", OpenFlags.WriteOnly);
}
