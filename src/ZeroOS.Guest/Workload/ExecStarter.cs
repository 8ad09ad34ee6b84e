using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Setup;
using ZeroOS.Guest.Users;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>
/// Starts programs beside the workload, as docker exec does: in its namespaces, cgroup and root, and with its user, environment, working directory and
/// capabilities where the session says nothing else. Thread-safe.
/// </summary>
/// <param name="spec">The workload's.</param>
/// <param name="open">What the program joins; null when the workload has ended.</param>
/// <param name="spawn">Starts a child that somebody reaps.</param>
internal sealed class ExecStarter(GuestSpec spec, Func<WorkloadNamespaces?> open, Func<ChildStart, Child> spawn)
{
    private static readonly TimeSpan s_beginsWithin = TimeSpan.FromSeconds(30);

    /// <summary>Starts a program and returns when it runs.</summary>
    /// <exception cref="SetupException">Why it does not: 126 and 127 are about the program itself.</exception>
    internal ExecProgram Start(ExecBegin begin) => Start(begin, cgroup: null, s_beginsWithin);

    /// <summary>As above, in a cgroup of its own and within a time of its own.</summary>
    /// <exception cref="SetupException">As above.</exception>
    internal ExecProgram Start(ExecBegin begin, string? cgroup, TimeSpan beginsWithin)
    {
        try
        {
            using WorkloadNamespaces workload = open() ?? throw new SetupException("exec", "the workload has ended");
            EnterPlan plan = Plan(begin, workload);
            return Start(cgroup is null ? plan : plan with { Cgroup = cgroup }, begin, workload, beginsWithin);
        }
        catch (LinuxException e)
        {
            throw new SetupException("exec", e.Message);
        }
    }

    private EnterPlan Plan(ExecBegin begin, WorkloadNamespaces workload)
    {
        ImageUser user = ImageUser.Resolve(begin.User ?? spec.Process.User, workload.Root).With(spec.Process.Groups, workload.Root);
        IReadOnlyList<string> terminal = begin.Terminal is null ? [] : ["TERM=xterm"];
        return new EnterPlan
        {
            Arguments = begin.Arguments,
            Environment = WorkloadEnvironment.Build([.. terminal, .. spec.Process.Environment, .. begin.Environment], user.Home, spec.Hostname),
            WorkingDirectory = begin.WorkingDirectory ?? spec.Process.WorkingDirectory,
            Uid = user.Uid,
            Gid = user.Gid,
            Groups = user.Groups,
            Privileged = begin.Privileged || spec.Process.Privileged,
            Capabilities = spec.Process.Capabilities,
            Limits = spec.Process.Limits,
            Cgroup = workload.Cgroup,
            Joins = true,
            OnTerminal = begin.Terminal is not null,
        };
    }

    private ExecProgram Start(EnterPlan plan, ExecBegin begin, WorkloadNamespaces workload, TimeSpan beginsWithin)
    {
        ExecStreams streams = begin.Terminal is { } size
            ? ExecStreams.Terminal(workload.Root, size, begin.Input, plan.Uid)
            : ExecStreams.Pipes(begin.Input, plan.Uid);
        GuestFailure? failure = null;
        try
        {
            IReadOnlyList<(FileDescriptor, int)> descriptors = [.. streams.ProgramEnds.Select((end, number) => (end, number)),
                (workload.Mounts, EnterPlan.MountsDescriptor), (workload.Cgroups, EnterPlan.CgroupsDescriptor)];
            Child child = EnterChild.Start(plan, descriptors, workload.Pids, beginsWithin, spawn, out failure);
            streams.CloseProgramEnds();
            if (failure is null)
                return new ExecProgram(child, streams);
        }
        catch
        {
            streams.Dispose();
            throw;
        }
        streams.Dispose();
        throw new SetupException(failure.Stage, failure.Message, failure.Code);
    }
}
