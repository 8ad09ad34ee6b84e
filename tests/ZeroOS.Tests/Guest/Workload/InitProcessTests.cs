using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>The init as process 1 of a process-id namespace, with real programs. Only its mask of signals comes from env(1), not from the enter step.</summary>
[Trait("tier", "kernel")]
public sealed class InitProcessTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-init").FullName;
    private readonly List<IDisposable> _open = [];
    private Child? _init;

    public void Dispose()
    {
        _init?.Signal(SignalName.Kill);
        _open.ForEach(o => o.Dispose());
        Directory.Delete(_directory, recursive: true);
    }

    [SkippableFact]
    public void Its_code_is_the_programs_and_orphans_are_reaped()
    {
        // The inner shell leaves an orphan, which is nobody's but the init's when it ends.
        (string said, string report) = Run("sh", "-c",
            "sh -c 'sleep 0.1 & echo $!' > orphan; sleep 1; kill -0 $(cat orphan) 2>/dev/null || echo reaped; exit 7");
        Assert.Equal(("reaped\n", ""), (said, report));
        Assert.Equal(7, Code());
    }

    [SkippableFact]
    public void Signals_are_passed_on()
    {
        Start(["sh", "-c", "trap 'echo heard; exit 3' TERM; trap 'echo hup' HUP; echo ready; while :; do sleep 0.05; done"], out FileDescriptor output, out _);
        Assert.Equal("ready\n", Line(output));
        _init!.Signal(1);
        Assert.Equal("hup\n", Line(output));
        _init.Signal(SignalName.Terminate);
        Assert.Equal("heard\n", Line(output));
        Assert.Equal(3, Code());
    }

    [SkippableFact]
    public void A_program_that_a_signal_ended_is_a_code()
    {
        _ = Run("sh", "-c", "kill -9 $$");
        Assert.Equal(137, Code());
    }

    [SkippableTheory]
    [InlineData("no-such-program", 127)]
    [InlineData("/etc/passwd", 126)]
    public void A_program_that_cannot_run_is_reported(string program, int code)
    {
        (_, string report) = Run(program);
        Assert.Equal(code, JsonSerializer.Deserialize(report, GuestJson.Default.GuestFailure)!.Code);
        Assert.Equal(code, Code());
    }

    private (string Said, string Report) Run(params string[] arguments)
    {
        Start(arguments, out FileDescriptor output, out FileDescriptor report);
        return (All(output), All(report));
    }

    private void Start(string[] arguments, out FileDescriptor output, out FileDescriptor report)
    {
        Skip.IfNot(Environment.UserName == "root", "needs root");
        Skip.IfNot(PlayedZguest.IsThere, "zguest.dll is not there");
        EnterPlan plan = new()
        {
            Arguments = arguments,
            Environment = [$"PATH={Environment.GetEnvironmentVariable("PATH")}"],
            WorkingDirectory = "/",
            Uid = 0,
            Gid = 0,
            Groups = [],
            Privileged = false,
            Capabilities = 0,
            Limits = [],
            Init = true,
        };
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadOnly), planFile = FileDescriptor.Memory("plan");
        planFile.Write(JsonSerializer.SerializeToUtf8Bytes(plan, EnterJson.Default.EnterPlan));
        (output, FileDescriptor outputEnd) = Pipe.Make();
        (report, FileDescriptor reportEnd) = Pipe.Make();
        _open.AddRange([output, report]);
        using (outputEnd)
        using (reportEnd)
        {
            _init = PlayedZguest.Spawn(new ChildStart
            {
                Path = "",
                Arguments = ["zguest", "init"],
                Descriptors = [(nothing, 0), (outputEnd, 1), (outputEnd, 2), (planFile, EnterPlan.Descriptor), (reportEnd, EnterPlan.ReportDescriptor)],
                NewPidNamespace = true,
            }, _directory, $"cd {_directory}; exec env --block-signal=HUP,INT,QUIT,USR1,USR2,TERM");
        }
    }

    private int Code()
    {
        Assert.True(_init!.WaitForEnd(TimeSpan.FromSeconds(20)), "the init did not end");
        return _init.Exit!.Value.ShellCode;
    }

    private static string Line(FileDescriptor from)
    {
        byte[] buffer = new byte[256];
        Assert.True(Polling.IsReadable(from, 20_000), "nothing was said");
        return Encoding.UTF8.GetString(buffer, 0, from.Read(buffer));
    }

    private static string All(FileDescriptor from)
    {
        StringBuilder all = new();
        for (string part = Line(from); part.Length > 0; part = Line(from))
            all.Append(part);
        return all.ToString();
    }
}
