using System.Text;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Guest.Health;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;
using ZeroOS.Tests.Guest.Sessions;

namespace ZeroOS.Tests.Guest.Health;

/// <summary>The test plays the probe's program; a folder plays the cgroup.</summary>
public sealed class CommandProbeTests : IDisposable
{
    private readonly string _group = Directory.CreateTempSubdirectory("zeroos-probe").FullName;
    private readonly PlayedProgram _program = new();
    private readonly CommandProbe _probe;
    private SetupException? _refusal;

    public CommandProbeTests()
    {
        File.WriteAllText(_group + "/cgroup.kill", "");
        _probe = new CommandProbe(["check", "-q"], (begin, cgroup, _) =>
        {
            Assert.Equal((_group, "check -q"), (cgroup, string.Join(' ', begin.Arguments)));
            return _refusal is null ? new ExecProgram(_program.Child, _program.Streams) : throw _refusal;
        }, new ProbeGroup(_group));
    }

    public void Dispose()
    {
        _program.Dispose();
        Directory.Delete(_group, recursive: true);
    }

    private bool IsKilled => File.ReadAllText(_group + "/cgroup.kill") == "1";

    [Fact]
    public void Exit_code_and_output_are_told_and_what_the_program_left_behind_is_killed()
    {
        _program.Output.Write("to stdout\n"u8);
        _program.Errors.Write("to stderr\n"u8);
        _program.Exit(3, leaves: true);
        ProbeOutcome outcome = _probe.Ask(Environment.TickCount64 + 20_000);
        Assert.Equal((3, "to stdout\nto stderr\n"), (outcome.ExitCode, Encoding.UTF8.GetString(outcome.Output)));
        Assert.True(IsKilled);
    }

    [Fact]
    public async Task Program_that_hangs_is_killed_with_its_group_when_its_time_is_over()
    {
        _program.Output.Write("so far"u8);
        Task<ProbeOutcome> asked = Task.Run(() => _probe.Ask(Environment.TickCount64 + 50));
        Assert.True(SpinWait.SpinUntil(() => IsKilled, 20_000), "it was not killed");
        _program.Exit(0, SignalName.Kill);
        ProbeOutcome outcome = await asked;
        Assert.Equal(-1, outcome.ExitCode);
        Assert.Equal("the probe took too long and was killed: so far", Encoding.UTF8.GetString(outcome.Output));
    }

    [Fact]
    public async Task More_output_than_is_kept_is_read_and_dropped()
    {
        Task<ProbeOutcome> asked = Task.Run(() => _probe.Ask(Environment.TickCount64 + 60_000));
        byte[] much = new byte[1 << 20];
        for (int done = 0; done < much.Length && !asked.IsCompleted;)
            done += _program.Output.TryWrite(much.AsSpan(done), out int written) == Errno.None ? written : 0;
        _program.Exit(0);
        ProbeOutcome outcome = await asked;
        Assert.Equal((0, HealthLimits.OutputBytes), (outcome.ExitCode, outcome.Output.Length));
    }

    [Theory]
    [InlineData(127, 127)]
    [InlineData(125, -1)]
    public void Program_that_cannot_run_is_a_sentence(int code, int told)
    {
        _refusal = new SetupException("exec", "check is not in any directory of PATH", code);
        ProbeOutcome outcome = _probe.Ask(Environment.TickCount64 + 20_000);
        Assert.Equal((told, "check is not in any directory of PATH"), (outcome.ExitCode, Encoding.UTF8.GetString(outcome.Output)));
    }
}
