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
    private readonly OutputCapture _out;
    private readonly OutputCapture? _error;

    private RunningWorkload(Child child, Reaper reaper, ExecStreams streams, OutputRing ring, Action outputCame)
    {
        (_child, _reaper) = (child, reaper);
        _out = new OutputCapture(streams.Output, OutputStream.StandardOutput, ring, outputCame);
        _error = streams.Errors is { } errors ? new OutputCapture(errors, OutputStream.StandardError, ring, outputCame) : null;
        Streams = new WorkloadStreams(child, streams, ring);
    }

    /// <summary>What clients that attach have of it.</summary>
    internal WorkloadStreams Streams { get; }

    /// <summary>Starts it and returns when it is the workload that runs, no longer we.</summary>
    /// <exception cref="SetupException">What kept it from running.</exception>
    internal static RunningWorkload Start(EnterPlan plan, bool takesInput, Reaper reaper, OutputRing ring, Action outputCame)
    {
        (Child child, GuestFailure? failure, ExecStreams? streams) =
            plan.OnTerminal ? StartOnTerminal(plan, takesInput, reaper) : StartOnPipes(plan, takesInput, reaper);
        if (failure is null)
            return new RunningWorkload(child, reaper, streams!, ring, outputCame);
        _ = reaper.ReapUntilEnd(child);
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
        TimeSpan patience = TimeSpan.FromSeconds(8);     // longer than a full ring waits for a client
        _ = _out.WaitForEnd(patience);
        _ = _error?.WaitForEnd(patience);
        Streams.Output.Complete();
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

    private static (Child, GuestFailure?, ExecStreams?) StartOnPipes(EnterPlan plan, bool takesInput, Reaper reaper)
    {
        ExecStreams streams = ExecStreams.Pipes(takesInput, plan.Uid);
        Child child = Start(plan, [.. streams.ProgramEnds.Select((end, number) => (end, number))], reaper, out GuestFailure? failure);
        streams.CloseProgramEnds();
        return (child, failure, streams);
    }

    private static (Child, GuestFailure?, ExecStreams?) StartOnTerminal(EnterPlan plan, bool takesInput, Reaper reaper)
    {
        (SeqPacketSocket ours, SeqPacketSocket childs) = SeqPacketSocket.Pair();
        using (ours)
        using (childs)
        using (FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite))
        {
            Child child = Start(plan with { GivesTerminal = true },
                [(nothing, 0), (nothing, 1), (nothing, 2), (childs.Descriptor, EnterPlan.TerminalDescriptor)], reaper, out GuestFailure? failure);
            return (child, failure, failure is null ? TerminalHandover.Take(ours, takesInput) : null);
        }
    }

    private static Child Start(EnterPlan plan, IReadOnlyList<(FileDescriptor, int)> descriptors, Reaper reaper, out GuestFailure? failure) =>
        EnterChild.Start(plan, descriptors, null, s_beginsWithin, s => reaper.Start(() => ChildProcess.Spawn(s)), out failure);

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
