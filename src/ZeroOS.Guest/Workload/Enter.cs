using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Disks;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Users;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// The step between zguest and the workload, in the child: already process 1 of its own process-id namespace, it takes a cgroup, its own mounts and
/// root, gives up what it must not have, and becomes the workload. A program beside the workload is already in that namespace, and joins the rest. One thread
/// does all of it, and what it sets counts for that thread, which execve(2) keeps.
/// </summary>
internal static class Enter
{
    // Docker's default: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
    private static readonly CapabilitySet s_default = new(
        (1UL << 0) | (1UL << 1) | (1UL << 3) | (1UL << 4) | (1UL << 5) | (1UL << 6) | (1UL << 7) | (1UL << 8)
        | (1UL << 10) | (1UL << 13) | (1UL << 18) | (1UL << 27) | (1UL << 29) | (1UL << 31));

    /// <summary>Returns only when it failed, the failure reported.</summary>
    internal static int Run()
    {
        GuestFailure failure;
        using FileDescriptor report = new(EnterPlan.ReportDescriptor);
        try
        {
            CurrentThread.CloseOnExec(EnterPlan.Descriptor, uint.MaxValue);
            failure = Become(ReadPlan());
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

    private static EnterPlan ReadPlan()
    {
        using FileDescriptor file = new(EnterPlan.Descriptor);
        byte[] bytes = new byte[file.Length];
        file.ReadExactlyAt(bytes, 0);
        return JsonSerializer.Deserialize(bytes, EnterJson.Default.EnterPlan) ?? throw new SetupException("exec", "the plan is empty");
    }

    private static GuestFailure Become(EnterPlan plan)
    {
        KernelFile.Write(plan.Cgroup + "/cgroup.procs", "0");
        KernelFile.Write("/proc/self/oom_score_adj", "0");
        if (plan.Joins)
            Join(plan.WorkingDirectory);
        else
            MakeRoot(plan);
        if (plan.OnTerminal)
            TakeTerminal();

        CurrentThread.Limit(Resource.OpenFiles, 1_048_576);
        if (!plan.Privileged)
            CurrentThread.BoundCapabilities(s_default);
        CurrentThread.Become(plan.Uid, plan.Gid, [.. plan.Groups]);
        if (plan is { Uid: 0, Privileged: false })
            CurrentThread.SetCapabilities(s_default);
        CurrentThread.UnignoreSignals();
        return Execute(plan);
    }

    private static void MakeRoot(EnterPlan plan)
    {
        CurrentThread.Unshare(Namespaces.Mounts | Namespaces.Cgroup);
        Mounts.MakeAllPrivate();
        WorkloadMounts.Mount(RootFileSystem.Path, plan.Privileged);
        TakeRoot();
        using (RootedDirectory root = new("/"))
            root.MakeDirectory(plan.WorkingDirectory, out _).Dispose();
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
            throw new SetupException("exec", $"{workingDirectory} cannot be the working directory: {Explain(e.Errno)}", 126);
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

    // As execvp(3), but the reason that is reported is the most telling one.
    private static GuestFailure Execute(EnterPlan plan)
    {
        string program = plan.Arguments[0];
        Errno reason = Errno.ENOENT;
        string path = program;
        foreach (string candidate in WorkloadEnvironment.Candidates(program, plan.Environment))
        {
            Errno errno = ChildProcess.Replace(candidate, plan.Arguments, plan.Environment);
            if (errno is Errno.ENOENT or Errno.ENOTDIR)
                continue;
            (reason, path) = (errno, candidate);
            if (errno != Errno.EACCES)
                break;
        }
        if (reason != Errno.ENOENT)
            return new GuestFailure { Stage = "exec", Message = $"{path} cannot be executed: {Explain(reason)}", Code = 126 };
        string where = program.Contains('/') ? "in the image, or the interpreter or loader it names is not" : "in any directory of PATH";
        return new GuestFailure { Stage = "exec", Message = $"{program} is not {where}", Code = 127 };
    }

    private static string Explain(Errno errno) => (int)errno switch
    {
        8 => "not a program this computer can run, and no #! line (ENOEXEC)",
        13 => "permission denied (EACCES)",
        2 => "there is no such directory (ENOENT)",
        _ => errno.ToString(),
    };
}
