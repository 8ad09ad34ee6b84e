using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Disks;
using ZeroOS.Guest.Setup;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The step between zguest and the workload, in the child: already process 1 of its own process-id namespace, it takes a cgroup, its own mounts and
/// root, gives up what it must not have, and becomes the workload. A program beside the workload is already in that namespace, and joins the rest. One thread
/// does all of it, and what it sets counts for that thread, which execve(2) keeps.
/// </summary>
internal static class Enter
{
    /// <summary>Returns only when it failed, the failure reported.</summary>
    internal static int Run()
    {
        GuestFailure failure;
        using FileDescriptor report = new(EnterPlan.ReportDescriptor);
        try
        {
            EnterPlan plan = EnterPlan.Read();
            // An init reads the plan once more, and reports.
            CurrentThread.CloseOnExec(plan.Init ? EnterPlan.ReportDescriptor + 1u : EnterPlan.Descriptor, uint.MaxValue);
            failure = Become(plan);
        }
        catch (SetupException e)
        {
            failure = new GuestFailure { Stage = e.Stage, Message = e.Message, Code = e.Code };
        }
        catch (IOException e)
        {
            failure = new GuestFailure { Stage = "root", Message = e.Message };
        }
        report.Write(JsonSerializer.SerializeToUtf8Bytes(failure, GuestJson.Default.GuestFailure));
        return failure.Code;
    }

    private static GuestFailure Become(EnterPlan plan)
    {
        KernelFile.Write(plan.Cgroup + "/cgroup.procs", "0");
        KernelFile.Write("/proc/self/oom_score_adj", "0");
        if (plan.Joins)
            Join(plan.WorkingDirectory);
        else
            MakeRoot(plan);
        if (plan.GivesTerminal)
            TerminalHandover.Give(plan.Uid);
        if (plan is { OnTerminal: true, Init: false })     // else it is the program's that the init starts
            TakeTerminal();

        CurrentThread.Limit(Resource.OpenFiles, soft: 1024, hard: 1_048_576);     // Docker's
        foreach (GuestLimit limit in plan.Limits)
            CurrentThread.Limit((Resource)limit.Resource, (ulong)limit.Soft, (ulong)limit.Hard);
        CapabilitySet capabilities = new(plan.Capabilities);
        if (!plan.Privileged)
            CurrentThread.BoundCapabilities(capabilities);
        CurrentThread.Become(plan.Uid, plan.Gid, [.. plan.Groups]);
        if (plan is { Uid: 0, Privileged: false })
            CurrentThread.SetCapabilities(capabilities);
        CurrentThread.UnignoreSignals();
        return plan.Init ? InitProcess.Become() : ProgramSearch.Run(plan, path => ChildProcess.Replace(path, plan.Arguments, plan.Environment))!;
    }

    private static void MakeRoot(EnterPlan plan)
    {
        CurrentThread.Unshare(Namespaces.Mounts | Namespaces.Cgroup);
        Mounts.MakeAllPrivate();
        WorkloadMounts.Mount(RootFileSystem.Path, plan.Privileged, plan.ShmBytes);
        TakeRoot();
        using (RootedDirectory root = new("/"))
            root.MakeDirectory(plan.WorkingDirectory, out _).Dispose();
        // Only this mount: what is mounted in it stays as it is.
        if (plan.ReadOnlyRoot)
            Mounts.Mount("", "/", "", MountFlags.Remount | MountFlags.Bind | MountFlags.ReadOnly | MountFlags.NoAtime);
        Mounts.ChangeDirectory(plan.WorkingDirectory.Length == 0 ? "/" : plan.WorkingDirectory);
    }

    // The workload's processes see this one from its start. Until it is one of them they can neither trace it nor reach zguest's files through its /proc: it
    // has more capabilities than they, and at the end, when it has no more, it cannot be traced.
    private static void Join(string workingDirectory)
    {
        CurrentThread.ForbidTracing();
        using (FileDescriptor cgroups = new(EnterPlan.CgroupsDescriptor), mounts = new(EnterPlan.MountsDescriptor))
        {
            CurrentThread.Join(cgroups, Namespaces.Cgroup);
            CurrentThread.Join(mounts, Namespaces.Mounts);
        }
        try
        {
            Mounts.ChangeDirectory(workingDirectory.Length == 0 ? "/" : workingDirectory);
        }
        catch (LinuxException e)
        {
            throw new SetupException("exec", $"{workingDirectory} cannot be the working directory: {ProgramSearch.Explain(e.Errno)}", 126);
        }
    }

    private static void TakeTerminal()
    {
        FileDescriptor terminal = new(0);
        Errno errno = PseudoTerminal.TakeControl(terminal);
        terminal.SetHandleAsInvalid();      // the program's: it stays open
        if (errno != Errno.None)
            throw new LinuxException(errno, "ioctl TIOCSCTTY", "the program's terminal");
    }

    private static void TakeRoot()
    {
        using FileDescriptor initial = FileDescriptor.Open("/", OpenFlags.Path | OpenFlags.Directory);
        Mounts.MoveOverRoot(RootFileSystem.Path);
        // What zguest has mounted is still below the initial root, where a process with CAP_SYS_CHROOT could climb to: take it out of this namespace.
        Mounts.ChangeDirectory($"/proc/self/fd/{initial.Number}");
        foreach (string name in (ReadOnlySpan<string>)["run", "dev", "sys", "proc"])
            _ = Mounts.TryUnmount(name, detach: true);
        Mounts.ChangeDirectory("/");
    }
}
