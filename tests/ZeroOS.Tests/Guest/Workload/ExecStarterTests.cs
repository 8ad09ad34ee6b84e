using System.Globalization;
using System.Text;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;
using ZeroOS.Tests.Guest.Sessions;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>
/// Real programs beside a process that plays the workload: first in a process-id namespace, with its own mounts, on this computer's root. Only the enter step
/// is not the native program.
/// </summary>
[Trait("tier", "kernel")]
public sealed class ExecStarterTests : IDisposable
{
    private const string Cgroups = "/sys/fs/cgroup/unified";
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-exec").FullName;
    private readonly List<PlainClient> _clients = [];
    private readonly Child? _workload;
    private readonly GuestSessions _sessions;
    private StreamSocket? _next;

    public ExecStarterTests()
    {
        _sessions = new GuestSessions(Dial);
        if (Missing() is not null)
            return;
        Directory.CreateDirectory(_directory + "/only-here");
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        using (read)
        using (write)
        using (FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite))
        {
            string script = $"mount -t proc proc /proc && mount -t tmpfs inside {_directory}/only-here && touch {_directory}/only-here/file && echo ready && "
                + "exec sleep 60";
            _workload = PlayedZguest.Spawn(new ChildStart
            {
                Path = "/usr/bin/unshare",
                Arguments = ["unshare", "--mount", "--cgroup", "--propagation", "private", "sh", "-c", script],
                Environment = [$"PATH={Environment.GetEnvironmentVariable("PATH")}"],
                Descriptors = [(nothing, 0), (write, 1), (nothing, 2)],
                NewPidNamespace = true,
            });
            if (!Polling.IsReadable(read, 20_000))
                return;
        }
        GuestSpec spec = new()
        {
            Hostname = "web",
            RootDisk = "root",
            WritableDisk = "rw",
            Process = new GuestProcess { Arguments = ["sleep"], Environment = ["COLOUR=red"], WorkingDirectory = _directory },
        };
        ExecStarter starter = new(spec, () => _workload.IfThere(pid => WorkloadNamespaces.Open(pid, CgroupFolder())), SpawnEnter);
        WorkloadStreams streams = new(_workload, ExecStreams.Pipes(hasInput: false, 0), new OutputRing(4096, TimeSpan.FromSeconds(1)));
        _sessions.Open(SessionKind.All(streams, starter.Start, () => _workload.IfThere(pid => new RootedDirectory($"/proc/{pid}/root")), _directory));
    }

    public void Dispose()
    {
        _workload?.Signal(SignalName.Kill);
        _clients.ForEach(c => c.Dispose());
        _sessions.WaitUntilNone(TimeSpan.FromSeconds(20));
        Directory.Delete(_directory, recursive: true);
    }

    [SkippableFact]
    public void Program_is_in_the_workloads_namespaces_with_its_environment_directory_and_capabilities()
    {
        PlainClient client = Run(new ExecBegin
        {
            Arguments = ["sh", "-c", "pwd; echo $COLOUR $SHAPE $HOSTNAME $HOME $TERM.; ls only-here; id -u; cat /proc/1/comm; "
                + "grep CapEff /proc/self/status; ulimit -Sn; ls -l /proc/self/fd"],
            Environment = ["SHAPE=round"],
        });
        string said = client.Until(1, "3 ->");
        Assert.StartsWith($"{_directory}\nred round web /root .\nfile\n0\nsleep\nCapEff:\t00000000a80425fb\n1024\n", said, StringComparison.Ordinal);
        Assert.DoesNotContain("4 ->", said, StringComparison.Ordinal);      // 3 is ls's own
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 0", "Close Done"], client.Ends());
    }

    [SkippableFact]
    public void Program_has_another_user_input_signals_and_an_exit_code()
    {
        PlainClient client = Run(new ExecBegin
        {
            Arguments = ["sh", "-c", "trap 'echo caught; exit 5' USR1; id -u; id -g; echo again > /dev/stdout; read line; echo got $line; read line"],
            User = "65534:12",
            WorkingDirectory = "/",
            Input = true,
        });
        Assert.Equal("65534\n12\nagain\n", client.Until(1, "again\n"));
        client.Send(0, SessionFrameType.Data, "a line\n"u8);
        Assert.Equal("got a line\n", client.Until(1, "line\n"));
        client.Send(0, SessionFrameType.Signal, [10]);
        client.Send(0, SessionFrameType.HalfClose, []);
        Assert.Equal("caught\n", client.Until(1, "\n"));
        Assert.Equal(["HalfClose 1", "HalfClose 2", "Exit 0 5", "Close Done"], client.Ends());
    }

    [SkippableFact]
    public void Program_on_a_terminal_has_a_name_a_size_control_and_hears_of_a_resize()
    {
        PlainClient client = Run(new ExecBegin
        {
            Arguments = ["sh", "-c", "trap 'stty size' WINCH; tty; stty size; echo $TERM; echo ready; while :; do read line && echo got $line; done"],
            Input = true,
            Terminal = new TerminalSize(80, 24),
        });
        Assert.Equal("HalfClose 2", client.Next());
        string said = client.Until(1, "ready\r\n");
        Assert.Matches("^/dev/pts/[0-9]+\r\n24 80\r\nxterm\r\nready\r\n$", said);
        client.Send(0, SessionFrameType.Resize, SessionFrame.SizeBody(132, 50));
        client.Send(0, SessionFrameType.Data, "one\ntwo\n"u8);
        Assert.Contains("50 132\r\n", client.Until(1, "got two\r\n"), StringComparison.Ordinal);
        client.Send(0, SessionFrameType.Data, [3]);     // Ctrl-C
        Assert.Equal(["HalfClose 1", "Exit 0 130", "Close Done"], client.Ends());
    }

    [SkippableFact]
    public void Program_on_a_terminal_is_hung_up_on_when_the_client_is_gone_and_reads_an_end_of_file_when_it_ends_its_input()
    {
        string file = _directory + "/hung-up";
        PlainClient client = Run(new ExecBegin
        {
            Arguments = ["sh", "-c", $"trap 'echo yes > {file}; exit' HUP; cat; echo end of file; while :; do sleep 0.1; done"],
            Input = true,
            Terminal = new TerminalSize(80, 24),
        });
        Assert.Equal("HalfClose 2", client.Next());
        client.Send(0, SessionFrameType.HalfClose, []);
        client.Until(1, "end of file\r\n");
        client.Dispose();
        Assert.True(SpinWait.SpinUntil(() => File.Exists(file), TimeSpan.FromSeconds(20)), "nobody hung up on it");
    }

    [SkippableFact]
    public void Program_on_a_terminal_runs_on_and_may_write_when_the_client_leaves_it()
    {
        string file = _directory + "/said", go = _directory + "/go";
        PlainClient client = Run(new ExecBegin
        {
            Arguments = ["sh", "-c", $"trap 'echo hung up > {file}; exit' HUP; echo ready; while [ ! -e {go} ]; do sleep 0.1; done; "
                + $"head -c 1000000 /dev/zero; echo went on > {file}"],
            Input = true,
            Terminal = new TerminalSize(80, 24),
        });
        client.Until(1, "ready\r\n");
        client.Send(SessionFrame.SessionChannel, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Done, ""));
        File.WriteAllText(go, "");
        Assert.True(SpinWait.SpinUntil(() => File.Exists(file) && File.ReadAllText(file).Length > 0, TimeSpan.FromSeconds(20)), "it said nothing");
        Assert.Equal("went on\n", File.ReadAllText(file));
    }

    [SkippableTheory]
    [InlineData("/nowhere/at/all", "/", "", "Note /nowhere/at/all is not in the image, or the interpreter or loader it names is not", 127)]
    [InlineData("no-such-program", "/", "", "Note no-such-program is not in any directory of PATH", 127)]
    [InlineData("/etc/passwd", "/", "", "Note /etc/passwd cannot be executed: permission denied (EACCES)", 126)]
    [InlineData("ls", "/nowhere", "", "Note /nowhere cannot be the working directory: there is no such directory (ENOENT)", 126)]
    [InlineData("ls", "/", "nobody-knows", "Close Refused user: the image knows no user \"nobody-knows\"", 0)]
    public void Program_that_cannot_run_is_a_sentence(string program, string directory, string user, string sentence, int code)
    {
        PlainClient client = Run(new ExecBegin { Arguments = [program], WorkingDirectory = directory, User = user });
        Assert.Equal(sentence, client.Next());
        if (code != 0)
            Assert.Equal(["HalfClose 1", "HalfClose 2", $"Exit 0 {code}", "Close Done"], client.Ends());
    }

    [SkippableFact]
    public void Program_that_gives_its_terminal_is_typed_at_resized_and_ended_by_all_who_attach()
    {
        Skip.IfNot(Missing() is null, Missing());
        OutputRing ring = new(1 << 16, TimeSpan.FromSeconds(1));
        (WorkloadStreams shell, Task ended) = StartOnTerminal(ring, "sh");
        _sessions.Open(new Dictionary<string, SessionKind> { ["attach"] = SessionKind.Attach(shell, new Places(1), new Places(2)) });
        PlainClient[] clients = [Dialled("attach"), Dialled("attach")];
        foreach (PlainClient client in clients)
        {
            client.Begin(new AttachBegin { FromStart = true });
            Assert.Equal(["""Data 0 {"tty":true,"stdin":true,"skipped":0}""", "HalfClose 0", "HalfClose 2"], [client.Next(), client.Next(), client.Next()]);
        }
        Type(0, "tty; stty size; echo a$((1+1))");
        string said = clients[0].Until(1, "a2\r\n");
        // A shell that comes to its prompt late prompts behind the line that was typed.
        Assert.Matches("\n(\\$ )?/dev/pts/[0-9]+\r\n24 80\r\n", said);
        Assert.Contains("24 80\r\na2\r\n", clients[1].Until(1, "a2\r\n"), StringComparison.Ordinal);
        clients[1].Send(0, SessionFrameType.Resize, SessionFrame.SizeBody(132, 50));
        Type(1, "stty size; echo b$((1+1))");
        Assert.Contains("50 132\r\n", clients[0].Until(1, "b2\r\n"), StringComparison.Ordinal);
        // The program that is interrupted says itself that it is there.
        Type(0, "trap 'echo caught' INT; sh -c 'echo c$((1+1)); exec cat'");
        clients[0].Until(1, "c2\r\n");
        clients[0].Send(0, SessionFrameType.Data, [3]);
        clients[1].Until(1, "caught\r\n");
        Type(1, "exit 5");
        Assert.True(ended.Wait(TimeSpan.FromSeconds(20)));
        foreach (PlainClient client in clients)
            Assert.Equal(["HalfClose 1", "Exit 0 5", "Close Done"], client.Ends());

        void Type(int client, string line) => clients[client].Send(0, SessionFrameType.Data, Encoding.ASCII.GetBytes(line + "\n"));
    }

    [SkippableFact]
    public void Nothing_runs_beside_a_workload_that_has_ended()
    {
        Skip.IfNot(Missing() is null, Missing());
        _workload!.Signal(SignalName.Kill);
        Assert.True(_workload.WaitForEnd(TimeSpan.FromSeconds(20)));
        Assert.Equal("Close Refused exec: the workload has ended", Run(new ExecBegin { Arguments = ["ls"] }).Next());
    }

    [SkippableFact]
    public void Copy_sees_the_workloads_own_mounts()
    {
        Skip.IfNot(Missing() is null, Missing());
        PlainClient client = Dialled("copy-out");
        client.Begin(new CopyBegin { Path = $"{_directory}/only-here/" });
        Assert.Contains("only-here/file\0", client.Until(1, "file\0"), StringComparison.Ordinal);
        Assert.Equal(["HalfClose 1", "Close Done"], client.Ends());
    }

    // As RunningWorkload does it, but beside the played workload and with somebody else to reap.
    private (WorkloadStreams Program, Task Ended) StartOnTerminal(OutputRing ring, params string[] arguments)
    {
        EnterPlan plan = new()
        {
            Arguments = arguments,
            Environment = ["PATH=/usr/bin:/bin", "PS1=$ "],
            WorkingDirectory = "/",
            Uid = 0,
            Gid = 0,
            Groups = [],
            Privileged = false,
            Capabilities = 0,
            Limits = [],
            Joins = true,
            OnTerminal = true,
            GivesTerminal = true,
        };
        (SeqPacketSocket ours, SeqPacketSocket childs) = SeqPacketSocket.Pair();
        using (ours)
        using (childs)
        using (WorkloadNamespaces spaces = _workload!.IfThere(pid => WorkloadNamespaces.Open(pid, CgroupFolder()))!)
        using (FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite))
        {
            Child child = EnterChild.Start(plan with { Cgroup = spaces.Cgroup }, [(nothing, 0), (nothing, 1), (nothing, 2),
                (spaces.Mounts, EnterPlan.MountsDescriptor), (spaces.Cgroups, EnterPlan.CgroupsDescriptor),
                (childs.Descriptor, EnterPlan.TerminalDescriptor)], spaces.Pids, TimeSpan.FromSeconds(20), SpawnEnter, out GuestFailure? failure);
            Assert.Null(failure?.Message);
            ExecStreams streams = TerminalHandover.Take(ours, hasInput: true);
            OutputCapture capture = new(streams.Output, OutputStream.StandardOutput, ring, () => { });
            return (new WorkloadStreams(child, streams, ring), Task.Run(() =>
            {
                Assert.True(child.WaitForEnd(TimeSpan.FromSeconds(20)) && capture.WaitForEnd(TimeSpan.FromSeconds(20)));
                ring.Complete();
            }));
        }
    }

    private static string? Missing() =>
        Environment.UserName != "root" ? "needs root"
        : !File.Exists("/usr/bin/unshare") || !File.Exists("/dev/pts/ptmx") ? "needs unshare(1) and a devpts"
        : !PlayedZguest.IsThere ? "zguest.dll is not there"
        : null;

    // Beside the older kind of cgroups the newer ones have a folder of their own; the workload is where this test is.
    private static string CgroupFolder() => Directory.Exists(Cgroups) ? Cgroups : WorkloadCgroup.Root;

    private PlainClient Run(ExecBegin begin)
    {
        Skip.IfNot(Missing() is null, Missing());
        PlainClient client = Dialled("exec");
        client.Begin(begin);
        return client;
    }

    private PlainClient Dialled(string kind)
    {
        (StreamSocket guest, StreamSocket node) = StreamSocket.Pair();
        _next = guest;
        _sessions.Dial(new GuestSession { Kind = kind, Token = new byte[GuestProtocol.TokenBytes] }, new byte[GuestProtocol.SecretBytes]);
        PlainClient client = new(node, kind is "exec" or "attach" ? 3 : 2);
        _clients.Add(client);
        client.Introduction();
        return client;
    }

    private StreamSocket? Dial(out Errno errno)
    {
        errno = Errno.None;
        return _next;
    }

    private Child SpawnEnter(ChildStart start) => PlayedZguest.Spawn(start, _directory);
}
