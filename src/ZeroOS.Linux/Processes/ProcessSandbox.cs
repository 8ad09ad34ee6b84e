using System.Runtime.CompilerServices;

using ZeroOS.Linux.Security;

namespace ZeroOS.Linux;

/// <summary>
/// The last wall of a role that serves outsiders: with nothing of theirs read yet, the process gives up all system calls but those of its table.
/// </summary>
public static class ProcessSandbox
{
    /// <summary>
    /// Closes the whole process, with the threads the runtime has. A call outside the table is one line on descriptor 2 and the end by SIGSYS. A runtime that
    /// compiles while it runs needs executable memory: such a process, as tests have it, stays open.
    /// </summary>
    /// <exception cref="LinuxException">The kernel has no filters, or refuses this one: the role must not run.</exception>
    public static void Seal(string role, IReadOnlyList<SystemCallRule> rules)
    {
        if (RuntimeFeature.IsDynamicCodeCompiled)
            return;
        ForbiddenCallReport.Install($"{role}: forbidden system call ");
        CurrentThread.NoNewPrivileges();
        SystemCallFilter.Compile(role, rules, OnForbidden.Report).Install(allThreads: true);
    }
}
