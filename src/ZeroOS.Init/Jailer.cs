using System.Text;

using ZeroOS.Contracts.Init;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>Starts programs through <c>zeroos enter</c>, found at <paramref name="enter"/>, in the jails of <see cref="Jails"/>; <paramref name="locate"/> says
/// where a program of the table is, which on a node is where the table says.</summary>
internal sealed class Jailer(ControlGroups groups, string enter, Func<string, string> locate, Action childStarted) : IJailer
{
    // The event loop and the disks' workers of a monitor, beside its machine's processors.
    private const int MonitorProcessors = 1, MaxLastWords = 300;

    // The reading ends of what programs without an output say on standard error, by process id: the pipe's own size bounds it, and it is read at the end only.
    private readonly Dictionary<int, FileDescriptor> _said = [];

    public int Start(InitMessage request, uint uid, IReadOnlyList<FileDescriptor> descriptors)
    {
        JailTemplate template = Jails.Of(request.Program!.Value);
        int processors = request.Processors ?? 0;
        if (processors > 0)
            template = template with { CpuWeight = processors * JailTemplate.OneProcessor };
        if (request.FileBytes is { } bytes)
            template = template with { Spec = template.Spec with { FileBytes = bytes } };
        return Start(template, request.Name!, request.MemoryBytes ?? 0, processors, uid, [.. request.Arguments ?? []], [], descriptors,
            request.Output is int output ? descriptors[output] : null);
    }

    /// <summary>Starts role node with its end of the socket and the screen, if there is one; what it says on standard error goes to the kernel log.</summary>
    public int StartNode(FileDescriptor socket, FileDescriptor? screen, IReadOnlyDictionary<string, string> settings)
    {
        using FileDescriptor log = OpenLog(), none = FileDescriptor.Open("/dev/null", OpenFlags.WriteOnly);
        int pid = Start(Jails.Node, "node", groups.NodeBytes(), 0, 0, [], [.. settings.Select(s => $"ZEROOS_{s.Key.ToUpperInvariant()}={s.Value}")],
            [socket, screen ?? none], log);
        groups.Protect("node", ControlGroups.NodeLowBytes);
        return pid;
    }

    /// <summary>Starts a door with its end of the link to the node and the listening socket.</summary>
    public int StartDoor(FileDescriptor link, FileDescriptor listener) =>
        Start(Jails.Door, "door", Jails.Door.MaxMemoryBytes, 0, Jails.DoorUser, [], [], [link, listener], null);

    /// <summary>
    /// The end of what an ended process said on standard error, as a line that is safe to show: which system call it died of, or which exception. "" when it
    /// said nothing. Once for each process.
    /// </summary>
    public string LastWords(int pid)
    {
        if (!_said.Remove(pid, out FileDescriptor? said))
            return "";
        using (said)
        {
            byte[] all = new byte[64 << 10];
            int length = 0;
            while (length < all.Length && said.TryRead(all.AsSpan(length), out int read) == Errno.None && read > 0)
                length += read;
            string words = Encoding.UTF8.GetString(all, 0, length).Trim();
            return HostileText.Plain(words[Math.Max(0, words.Length - MaxLastWords)..], MaxLastWords);
        }
    }

    public Errno Kill(int pid, int signal) => ChildProcess.TryKill(pid, signal);

    public void Ended(string name) => groups.Remove(name);

    private int Start(JailTemplate template, string name, long memoryBytes, int processors, uint uid, IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment, IReadOnlyList<FileDescriptor> descriptors, FileDescriptor? output)
    {
        using FileDescriptor program = FileDescriptor.Open(locate(template.Program), OpenFlags.ReadOnly);
        using FileDescriptor log = OpenLog(), nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        JailSpec spec = template.Spec with
        {
            ControlGroup = groups.Make(name, new GroupLimits(memoryBytes, template.MaxThreads, template.CpuWeight, template.IoWeight,
                processors == 0 ? 0 : processors + MonitorProcessors)),
            Uid = uid,
            Descriptors = descriptors.Count,
            Environment = [.. template.Spec.Environment, .. environment],
            Arguments = [template.ArgumentZero, .. template.FirstArguments, .. arguments],
        };
        (FileDescriptor said, FileDescriptor saying) = Pipe.NonBlocking();
        using FileDescriptor unused = saying;
        List<(FileDescriptor, int)> handed =
        [
            (nothing, 0), (output ?? nothing, 1), (output ?? saying, 2), (log, JailSpec.LogDescriptor), (program, JailSpec.ProgramDescriptor),
        ];
        handed.AddRange(descriptors.Select((d, i) => (d, InitLimits.FirstDescriptor + i)));
        try
        {
            int pid = ChildProcess.Spawn(new ChildStart
            {
                Path = enter,
                Arguments = ["zeroos", .. spec.ToArguments()],
                Environment = ["DOTNET_GCHeapHardLimit=4000000"],
                Descriptors = handed,
                NewPidNamespace = template.OwnProcessIds,
            });
            if (output is null)
                _said[pid] = said.Duplicate();
            childStarted();
            return pid;
        }
        finally
        {
            said.Dispose();
        }
    }

    private static FileDescriptor OpenLog()
        => FileDescriptor.TryOpen("/dev/kmsg", OpenFlags.WriteOnly, 0, out _) ?? FileDescriptor.Open("/dev/null", OpenFlags.WriteOnly);
}
