using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Output;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The workload's process: started through <see cref="Enter"/>, stopped with grace. The thread that calls <see cref="WaitForEnd"/> reaps meanwhile.
/// </summary>
internal sealed class RunningWorkload
{
    // It mounts before it begins; nobody waits but the node, which has its own patience.
    private static readonly TimeSpan s_beginsWithin = TimeSpan.FromDays(1);

    private readonly Child _child;
    private readonly Reaper _reaper;
    private readonly OutputCapture _out, _error;

    private RunningWorkload(Child child, Reaper reaper, OutputCapture output, OutputCapture error) =>
        (_child, _reaper, _out, _error) = (child, reaper, output, error);

    /// <summary>Starts it and returns when it is the workload that runs, no longer we.</summary>
    /// <exception cref="SetupException">What kept it from running.</exception>
    internal static RunningWorkload Start(EnterPlan plan, Reaper reaper, OutputRing ring, Action outputCame)
    {
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadOnly);
        (FileDescriptor outRead, FileDescriptor outWrite) = Pipe.Make();
        (FileDescriptor errorRead, FileDescriptor errorWrite) = Pipe.Make();
        Child child;
        GuestFailure? failure;
        using (outWrite)
        using (errorWrite)
        {
            // A user who is not root opens /dev/stdout as anybody's.
            outWrite.SetOwner(plan.Uid);
            errorWrite.SetOwner(plan.Uid);
            child = EnterChild.Start(plan, [(nothing, 0), (outWrite, 1), (errorWrite, 2)], null, s_beginsWithin, s => reaper.Start(() => ChildProcess.Spawn(s)),
                out failure);
        }
        RunningWorkload workload = new(child, reaper, new OutputCapture(outRead, OutputStream.StandardOutput, ring, outputCame),
            new OutputCapture(errorRead, OutputStream.StandardError, ring, outputCame));
        if (failure is null)
            return workload;
        _ = workload.WaitForEnd();
        throw new SetupException(failure.Stage, failure.Message, failure.Code);
    }

    /// <summary>Has <paramref name="action"/>, which must not wait, called when it ends.</summary>
    internal void OnEnd(Action action) => _child.OnEnd(action);

    /// <summary>What a program beside it joins; null when it has ended.</summary>
    /// <exception cref="LinuxException">It is about to end.</exception>
    internal WorkloadNamespaces? OpenNamespaces() => _child.IfThere(pid => WorkloadNamespaces.Open(pid));

    /// <summary>Its root as it sees it, with its volumes; null when it has ended.</summary>
    /// <exception cref="LinuxException">It is about to end.</exception>
    internal RootedDirectory? OpenRoot() => _child.IfThere(pid => new RootedDirectory($"/proc/{pid}/root"));

    /// <summary>Reaps until the workload is gone and its output read; nothing of it runs afterwards (the kernel ends a namespace with its process 1).</summary>
    internal GuestExited WaitForEnd()
    {
        ProcessExit exit = _reaper.ReapUntilEnd(_child);
        TimeSpan patience = TimeSpan.FromSeconds(5);
        _ = _out.WaitForEnd(patience);
        _ = _error.WaitForEnd(patience);
        return new GuestExited
        {
            Code = exit.ShellCode,
            Signal = exit.Signal,
            // An init says as a code what ended the program.
            OutOfMemory = exit.ShellCode == 128 + SignalName.Kill && KilledForMemory(),
        };
    }

    /// <summary>One signal, if it still runs.</summary>
    internal void Signal(int number) => _child.Signal(number);

    /// <summary>Signal, grace, SIGKILL; returns at once.</summary>
    internal void Stop(int signal, TimeSpan grace)
    {
        Signal(signal);
        new Thread(() => KillAfter(grace), 128 * 1024) { Name = "stop", IsBackground = true }.Start();
    }

    private void KillAfter(TimeSpan grace)
    {
        if (!_child.WaitForEnd(grace))
            Signal(SignalName.Kill);
    }

    private static bool KilledForMemory()
    {
        string events = KernelFile.TryRead(WorkloadCgroup.Path + "/memory.events", out _, 4096) ?? "";
        return events.Split('\n').Any(l => l.StartsWith("oom_kill ", StringComparison.Ordinal) && l != "oom_kill 0");
    }
}
