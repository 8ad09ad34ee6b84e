using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>Starts a program beside the workload, in a cgroup of its own.</summary>
/// <exception cref="SetupException">Why it does not run; 126 and 127 are about the program itself.</exception>
internal delegate ExecProgram StartProbe(ExecBegin begin, string cgroup, TimeSpan patience);

/// <summary>Asks by a program: its exit code is the answer. When it has ended or its time is over, all that it started is killed.</summary>
internal sealed class CommandProbe(IReadOnlyList<string> arguments, StartProbe start, ProbeGroup group)
{
    private static readonly TimeSpan s_dies = TimeSpan.FromSeconds(5);

    // Kept for good: a child that the kernel does not let die tells its end whenever that is.
    private readonly EventFd _ended = new();

    /// <summary>Asks once.</summary>
    /// <exception cref="LinuxException">The program cannot be started.</exception>
    internal ProbeOutcome Ask(long untilMs)
    {
        group.Make();
        ExecProgram program;
        try
        {
            program = start(new ExecBegin { Arguments = arguments }, group.Path, TimeSpan.FromMilliseconds(Math.Max(untilMs - Environment.TickCount64, 0)));
        }
        catch (SetupException e)
        {
            group.Kill();
            return ProbeOutcome.Say(e.Code is 126 or 127 ? e.Code : ProbeOutcome.NoAnswer, e.Message);
        }
        using (program.Streams)
            return Hear(program, untilMs);
    }

    private ProbeOutcome Hear(ExecProgram program, long untilMs)
    {
        ProbeOutput output = new(program.Streams);
        program.Child.OnEnd(_ended.Signal);
        long left;
        while (program.Child.Exit is null && (left = untilMs - Environment.TickCount64) > 0)
        {
            Polling.WaitForAny([_ended.Descriptor, output.Output, output.Errors], null, (int)left);
            _ = _ended.Take();
            output.Read();
        }
        ProcessExit? exit = program.Child.Exit;
        group.Kill();
        if (exit is null)
        {
            program.Child.Signal(SignalName.Kill);
            _ = program.Child.WaitForEnd(s_dies);
        }
        output.Read();
        return exit is { } ended ? new ProbeOutcome(ended.ShellCode, output.Kept)
            : ProbeOutcome.Say(ProbeOutcome.NoAnswer, "the probe took too long and was killed: ", output.Kept);
    }
}
