using ZeroOS.Contracts.Guest;
using ZeroOS.Guest.Users;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Workload;

/// <summary>Finds a program as execvp(3) does.</summary>
internal static class ProgramSearch
{
    /// <summary>Gives candidates to <paramref name="run"/> until it has no error; null then. The reason that is reported is the most telling one.</summary>
    internal static GuestFailure? Run(EnterPlan plan, Func<string, Errno> run)
    {
        string program = plan.Arguments[0];
        Errno reason = Errno.ENOENT;
        string path = program;
        foreach (string candidate in WorkloadEnvironment.Candidates(program, plan.Environment))
        {
            Errno errno = run(candidate);
            if (errno == Errno.None)
                return null;
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

    /// <summary>An error of the kernel as a sentence has it.</summary>
    internal static string Explain(Errno errno) => (int)errno switch
    {
        8 => "not a program this computer can run, and no #! line (ENOEXEC)",
        13 => "permission denied (EACCES)",
        2 => "there is no such directory (ENOENT)",
        _ => errno.ToString(),
    };
}
