using System.Runtime.InteropServices;

using ZeroOS.Linux.Security;
using ZeroOS.Tests.Formats;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Linux.Security;

/// <summary>A small C program that takes a filter and its handler as the kernel takes them, and makes one call: what dies is not the test.</summary>
internal sealed class SandboxProbe : IDisposable
{
    /// <summary>The exit code of who died of the signal.</summary>
    internal const int DiedOfSIGSYS = 128 + 31;

    private const string Source = """
        #define _GNU_SOURCE
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        _Static_assert(sizeof(struct sock_filter) == 8, "sock_filter");
        int main(int argc, char **argv)
        {
            static struct sock_filter code[4096];
            FILE *f = fopen(argv[1], "rb");
            struct sock_fprog program = { (unsigned short)fread(code, 8, 4096, f), code };
            fclose(f);
            char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            f = fopen(argv[2], "rb");
            fread(page, 1, 4096, f);
            fclose(f);
            mprotect(page, 4096, PROT_READ | PROT_EXEC);
            struct sigaction action;
            memset(&action, 0, sizeof action);
            action.sa_sigaction = (void (*)(int, siginfo_t *, void *))page;
            action.sa_flags = SA_SIGINFO;
            sigaction(SIGSYS, &action, 0);
            long a[6] = { 0 };
            for (int i = 0; i < 6 && 4 + i < argc; i++)
                a[i] = strtoul(argv[4 + i], 0, 0);
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
                return 100;
            syscall(strtol(argv[3], 0, 0), a[0], a[1], a[2], a[3], a[4], a[5]);
            syscall(SYS_exit_group, 42);
        }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("probe").FullName;

    private SandboxProbe()
    {
    }

    /// <summary>The compiled program; the test is skipped where it cannot be compiled.</summary>
    internal static SandboxProbe Compile()
    {
        Judge.Need("cc");
        SandboxProbe probe = new();
        File.WriteAllText(probe.Path("probe.c"), Source);
        ProgramRun compiler = ProgramRun.Of("cc", "-Wno-unused-result", "-o", probe.Path("probe"), probe.Path("probe.c"));
        if (compiler.Code != 0)
            probe.Dispose();
        Skip.IfNot(compiler.Code == 0, compiler.Error);
        return probe;
    }

    /// <summary>The call dies of SIGSYS, and its number is said.</summary>
    internal void AssertForbidden(SystemCallFilter filter, SystemCall call, params ulong[] arguments) =>
        Assert.Equal((DiedOfSIGSYS, $"probe: forbidden system call {(int)call}\n"), Call(filter, call, arguments));

    /// <summary>Exit code (128 and the signal's number if it died of one) and what it said on standard error.</summary>
    internal (int Exit, string Error) Call(SystemCallFilter filter, SystemCall call, params ulong[] arguments)
    {
        File.WriteAllBytes(Path("filter"), MemoryMarshal.AsBytes(filter.Program).ToArray());
        File.WriteAllBytes(Path("handler"), ForbiddenCallReport.Assemble("probe: forbidden system call "));
        ProgramRun run = ProgramRun.Of(Path("probe"), [Path("filter"), Path("handler"), $"{(int)call}", .. arguments.Select(a => $"{a}")]);
        return (run.Code, run.Error);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Path(string name) => System.IO.Path.Combine(_folder, name);
}
