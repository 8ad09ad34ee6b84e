using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// Process 1 of a workload that wants one (docker run --init): starts the program, passes on the signals that it gets, reaps whatever ends, and ends with the
/// program's code. It is the program's user with its capabilities, so that the workload gains nothing by it.
/// </summary>
internal static class InitProcess
{
    // As tini: all but those that say that the process itself is broken. SIGCHLD is waited for otherwise, and the first real-time signals are the runtime's.
    private static readonly int[] s_passed =
        [1, 2, 3, 10, 12, SignalName.Terminate, 16, 18, 20, 23, 24, 25, 26, 27, 28, 29, 30, .. Enumerable.Range(35, 64 - 35 + 1)];

    /// <summary>Becomes it, from <see cref="Enter"/>; returns only to say why not.</summary>
    internal static GuestFailure Become()
    {
        // A new runtime has them blocked in all its threads from the start.
        SignalFd.Block(s_passed);
        Errno errno = ChildProcess.Replace("/proc/self/exe", ["zguest", "init"], []);
        return new GuestFailure { Stage = "exec", Message = $"the init cannot be executed: {errno}" };
    }

    /// <summary>Is it; returns the program's code, or that of a failure, which is reported.</summary>
    internal static int Run()
    {
        CurrentThread.CloseOnExec(EnterPlan.Descriptor, uint.MaxValue);
        SignalFd signals = new(s_passed);
        int program = 0;
        using (FileDescriptor report = new(EnterPlan.ReportDescriptor))
        {
            GuestFailure? failure;
            try
            {
                EnterPlan plan = EnterPlan.Read();
                failure = ProgramSearch.Run(plan, path => Start(path, plan, out program));
            }
            catch (SetupException e)
            {
                failure = new GuestFailure { Stage = e.Stage, Message = e.Message, Code = e.Code };
            }
            if (failure is not null)
            {
                report.Write(JsonSerializer.SerializeToUtf8Bytes(failure, GuestJson.Default.GuestFailure));
                return failure.Code;
            }
        }
        new Thread(() => PassOn(signals, program), 128 * 1024) { Name = "signals", IsBackground = true }.Start();
        while (ChildProcess.TryWait(0, out ProcessExit exit) == Errno.None)
        {
            if (exit.Pid == program)
                return exit.ShellCode;
        }
        return 0;
    }

    private static Errno Start(string path, EnterPlan plan, out int pid)
    {
        pid = 0;
        try
        {
            pid = ChildProcess.Spawn(new ChildStart
            {
                Path = path,
                Arguments = plan.Arguments,
                Environment = plan.Environment,
                Descriptors = [],
                TakesTerminal = plan.OnTerminal,
            });
            return Errno.None;
        }
        catch (LinuxException e)
        {
            return e.Errno;
        }
    }

    private static void PassOn(SignalFd signals, int program)
    {
        while (Polling.IsReadable(signals.Descriptor, -1))
        {
            while (signals.Take() is > 0 and int signal)
                _ = ChildProcess.TryKill(program, signal);
        }
    }
}
