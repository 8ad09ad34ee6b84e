using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

using Xunit;

using ZeroOS.Contracts.Init;
using ZeroOS.Host.Processes;
using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init.Jail;

/// <summary>
/// The real jail around a real program: a static one made by the C compiler, which tells on its output what it finds and then waits for its input to end.
/// </summary>
[Trait("tier", "kernel")]
public sealed class JailTests : IDisposable
{
    private const string Program = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        static void *wait_for_ever(void *unused) { pause(); return unused; }
        int main(int argc, char **argv)
        {
            char b[8];
            pthread_t t;
            pthread_create(&t, 0, wait_for_ever, 0);
            printf("argv=%s,%s uid=%d gid=%d groups=%d pid=%d\n", argv[0], argc > 1 ? argv[1] : "", getuid(), getgid(), getgroups(0, 0), getpid());
            printf("root=");
            DIR *d = opendir("/");
            for (struct dirent *e; d && (e = readdir(d));)
                if (e->d_name[0] != '.') printf("%s,", e->d_name);
            if (d) closedir(d);
            printf("\nopen=");
            for (int i = 0; i < 4096; i++)
                if (fcntl(i, F_GETFD) >= 0) printf("%d,", i);
            printf("\nwrite=%d ca=%d random=%d\n", open("/x", O_CREAT | O_WRONLY, 0600), access("/etc/ssl/certs", R_OK), access("/dev/urandom", R_OK));
            int file = memfd_create("file", 0);
            int within = pwrite(file, "x", 1, 4095), beyond = pwrite(file, "x", 1, 4096);
            printf("within=%d beyond=%d errno=%d\n", within, beyond, beyond < 0 ? errno : 0);
            printf("ready\n");
            fflush(stdout);
            return read(11, b, 1) == 0 ? 7 : 8;
        }
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("zeroos-jail").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [SkippableTheory]
    [InlineData(JailedProgram.Monitor)]
    [InlineData(JailedProgram.Fetch)]
    public void Every_thread_of_a_jailed_program_is_born_inside(JailedProgram program)
    {
        Skip.IfNot(Environment.UserName == "root" && CanUnshare(), "needs root and namespaces");
        string jailed = Compile();
        ControlGroups groups = new(_directory, new FakeBootKernel());
        // Every program of the table is this test's own here; "enter" is the real one.
        using InitHarness init = new(h => new WaitingJailer(new Jailer(groups, Enter(), _ => jailed, () => { }), h), new KernelLog());
        using InitConnection node = init.Connect(listen: false);
        BlockingCollection<HeldProcess> ends = [];
        node.Exited += ends.Add;
        node.Listen();
        (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
        (SeqPacketSocket ours, SeqPacketSocket theirs) = SeqPacketSocket.Pair();
        using FileDescriptor secret = FileDescriptor.Memory("not handed over");

        int pid = node.Start(program, "jailed", ["10"], 64 << 20, [write, theirs.Descriptor], output: 0, program == JailedProgram.Monitor ? 4096 : null,
            program == JailedProgram.Monitor ? 2 : null);
        write.Dispose();
        theirs.Dispose();
        string said = ReadUntilReady(read);

        string expected = program == JailedProgram.Monitor
            ? "argv=zvmm,10 uid=100000 gid=990 groups=0 pid=1"
            : "argv=zeroos,fetch uid=100000 gid=991 groups=0 pid=1";
        Assert.Contains(expected, said, StringComparison.Ordinal);
        Assert.Contains("\nopen=0,1,2,10,11,\n", said, StringComparison.Ordinal);
        Assert.Contains(program == JailedProgram.Monitor ? "root=\n" : "root=dev,etc,\n",
            said.Replace("root=etc,dev,", "root=dev,etc,", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(program == JailedProgram.Monitor ? "write=-1 ca=-1 random=-1" : "write=-1 ca=0 random=0", said, StringComparison.Ordinal);
        // Finding 16: a monitor that was taken over wrote as much as the disk held. Beyond the limit a write is an error, and nobody dies of it.
        const int EFBIG = 27;
        Assert.Contains(program == JailedProgram.Monitor ? $"within=1 beyond=-1 errno={EFBIG}" : $"within=-1 beyond=-1 errno={EFBIG}", said,
            StringComparison.Ordinal);
        string[] tasks = Directory.GetDirectories($"/proc/{pid}/task");
        Assert.Equal(2, tasks.Length);
        foreach (string task in tasks)
        {
            string status = File.ReadAllText($"{task}/status");
            Assert.Contains("CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                + "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n",
                status, StringComparison.Ordinal);
            foreach (string space in (string[])["mnt", "ipc", "uts", "pid", "cgroup", "net"])
            {
                bool shared = new FileInfo($"{task}/ns/{space}").LinkTarget == new FileInfo($"/proc/self/ns/{space}").LinkTarget;
                Assert.True(shared == (space == "net" && program == JailedProgram.Fetch), $"{space} of {task}");
            }
        }
        Assert.Contains("Max core file size        0                    0", File.ReadAllText($"/proc/{pid}/limits"), StringComparison.Ordinal);

        ours.Dispose();
        Assert.Equal(7, CodeOf(ends));
    }

    [SkippableFact]
    public void What_a_program_without_an_output_died_of_is_told_to_PID_1_once()
    {
        Skip.IfNot(Environment.UserName == "root" && CanUnshare(), "needs root and namespaces");
        string jailed = Compile("""
            #include <stdio.h>
            int main(void) { fprintf(stderr, "\033[2Jfetch: forbidden system call 41\n"); return 3; }
            """);
        Jailer jailer = new(new ControlGroups(_directory, new FakeBootKernel()), Enter(), _ => jailed, () => { });
        int pid = jailer.Start(new InitMessage { Verb = InitVerb.Start, Name = "jailed", Program = JailedProgram.Fetch, MemoryBytes = 64 << 20 }, 100_000, []);
        Assert.Equal(Errno.None, ChildProcess.TryWait(pid, out ProcessExit exit));
        string words = jailer.LastWords(pid);
        Assert.EndsWith("fetch: forbidden system call 41", words, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', words);
        Assert.Equal(3, exit.Code);
        Assert.Equal("", jailer.LastWords(pid));
    }

    /// <summary>The door's limits of docs/limits.md, as the kernel holds it to them.</summary>
    [SkippableFact]
    public void A_door_has_its_descriptors_its_threads_and_no_larger_file_than_an_envelope()
    {
        Skip.IfNot(Environment.UserName == "root" && CanUnshare(), "needs root and namespaces");
        string jailed = Compile("""
            #define _GNU_SOURCE
            #include <errno.h>
            #include <stdio.h>
            #include <sys/mman.h>
            #include <unistd.h>
            int main(void)
            {
                int file = memfd_create("envelope", 0), last = 0, within = pwrite(file, "x", 1, (1 << 20) - 1), beyond = pwrite(file, "x", 1, 1 << 20);
                for (int next; (next = dup(0)) >= 0;) last = next;
                fprintf(stderr, "last=%d errno=%d within=%d beyond=%d\n", last, errno, within, beyond);
                return 3;
            }
            """);
        const int EMFILE = 24;
        FakeBootKernel kernel = new();
        string enter = Enter();
        Directory.CreateDirectory($"{_directory}/door");
        File.WriteAllText($"{_directory}/door/cgroup.procs", "");
        Jailer jailer = new(new ControlGroups(_directory, kernel), enter, _ => jailed, () => { });
        (FileDescriptor link, FileDescriptor listener) = Pipe.NonBlocking();
        using (link)
        using (listener)
        {
            int pid = jailer.StartDoor(link, listener);
            Assert.Equal(Errno.None, ChildProcess.TryWait(pid, out _));
            Assert.Equal($"last=4095 errno={EMFILE} within=1 beyond=-1", jailer.LastWords(pid));
        }
        Assert.Contains($"write {_directory}/door/pids.max 64", kernel.Calls);
        Assert.Contains($"write {_directory}/door/memory.max {256 << 20}", kernel.Calls);
    }

    [SkippableFact]
    public void A_jail_that_cannot_be_built_says_why_and_ends_with_its_own_code()
    {
        Skip.IfNot(Environment.UserName == "root" && CanUnshare(), "needs root and namespaces");
        string jailed = Compile();
        ControlGroups groups = new($"{_directory}/nowhere", new FakeBootKernel());
        using InitHarness init = new(h => new WaitingJailer(new Jailer(groups, Enter(), _ => jailed, () => { }), h), new KernelLog());
        using InitConnection node = init.Connect(listen: false);
        BlockingCollection<HeldProcess> ends = [];
        node.Exited += ends.Add;
        node.Listen();
        (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
        node.Start(JailedProgram.Monitor, "jailed", [], 64 << 20, [write], output: 0);
        Assert.Equal(120, CodeOf(ends));
        byte[] said = new byte[4096];
        Assert.Equal(Errno.None, read.TryRead(said, out int length));
        Assert.Contains("enter failed: write", Encoding.UTF8.GetString(said, 0, length), StringComparison.Ordinal);
    }

    private static int? CodeOf(BlockingCollection<HeldProcess> ends)
    {
        Assert.True(ends.TryTake(out HeldProcess? end, TimeSpan.FromSeconds(20)), "the program has not ended");
        return end.Code;
    }

    private static string ReadUntilReady(FileDescriptor pipe)
    {
        using Epoll epoll = new();
        epoll.Add(pipe, Readiness.Readable, 1);
        StringBuilder said = new();
        byte[] buffer = new byte[4096];
        Stopwatch watch = Stopwatch.StartNew();
        Span<(ulong, Readiness)> ready = stackalloc (ulong, Readiness)[1];
        while (!said.ToString().EndsWith("ready\n", StringComparison.Ordinal))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"the program said only: {said}");
            epoll.Wait(ready, 1000);
            if (pipe.TryRead(buffer, out int read) == Errno.None)
            {
                Assert.True(read > 0, $"the program ended: {said}");
                said.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        return said.ToString();
    }

    // The tests run by the installed runtime, which a started program must be told how to find.
    private string Enter()
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "zeroos.dll");
        Skip.IfNot(File.Exists(assembly), $"{assembly} is not there");
        Directory.CreateDirectory($"{_directory}/jailed");
        File.WriteAllText($"{_directory}/jailed/cgroup.procs", "");
        File.WriteAllText($"{_directory}/run.json",
            """{"runtimeOptions":{"framework":{"name":"Microsoft.NETCore.App","version":"10.0.0"},"rollForward":"Major"}}""");
        string path = $"{_directory}/zeroos";
        File.WriteAllText(path, $"#!/bin/sh\nexec dotnet exec --runtimeconfig {_directory}/run.json --depsfile "
            + $"{Path.ChangeExtension(typeof(JailTests).Assembly.Location, "deps.json")} {assembly} \"$@\"\n");
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        return path;
    }

    private string Compile(string text = Program)
    {
        string source = $"{_directory}/p.c", program = $"{_directory}/p";
        File.WriteAllText(source, text);
        File.SetUnixFileMode(_directory, (UnixFileMode)0x1ED);
        try
        {
            using Process compiler = Process.Start("cc", ["-static", "-O1", "-w", "-o", program, source, "-lpthread"]);
            compiler.WaitForExit();
            Skip.IfNot(compiler.ExitCode == 0, "the C compiler cannot link a static program");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.If(true, "no C compiler");
        }
        return program;
    }

    private static bool CanUnshare()
    {
        using Process probe = Process.Start("unshare", ["--mount", "--net", "--pid", "--fork", "true"]);
        probe.WaitForExit();
        return probe.ExitCode == 0;
    }

    /// <summary>The real jailer, and beside each child a thread that waits for it: the test must not reap what the runtime started.</summary>
    private sealed class WaitingJailer(IJailer jailer, InitHarness init) : IJailer
    {
        public int Start(InitMessage request, uint uid, IReadOnlyList<FileDescriptor> descriptors)
        {
            int pid = jailer.Start(request, uid, descriptors);
            new Thread(() =>
            {
                if (ChildProcess.TryWait(pid, out ProcessExit exit) == Errno.None)
                    init.Ended(exit);
            })
            { IsBackground = true }.Start();
            return pid;
        }

        public Errno Kill(int pid, int signal) => jailer.Kill(pid, signal);

        public void Ended(string name)
        {
        }
    }
}
