using System.Diagnostics;

using Xunit.Abstractions;

using ZeroOS.Contracts.Deployments;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>The life of a machine on a booted node: <c>zos kill</c>, <c>stats</c>, <c>restart</c>, <c>stop</c>, <c>wait</c>, <c>start</c>, <c>rm</c>,
/// <c>create</c> and <c>run --rm</c>.</summary>
public sealed class MachineLifeTests(ITestOutputHelper output)
{
    // Says what it hears. "sleep" is waited for, so that the shell hears a signal at once.
    private const string Script =
        "trap 'echo heard usr1' USR1; trap 'echo heard term; exit 42' TERM; echo up; while :; do sleep 1 & wait $!; done";

    private const string Check = "test ! -e /tmp/ill || { echo it is ill; exit 3; }; test ! -e /tmp/hangs || { sleep 1000 & sleep 1000; }";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_signal_reaches_the_program_a_restart_runs_it_again_and_its_exit_code_is_waited_for()
    {
        await using World world = await World.Make("life");
        await world.Publish("redis");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");
        await Run(world, "run", "-d", "--name", "job", "--restart", "always", "-u", "root", "--entrypoint", "/bin/sh",
            "--health-cmd", Check, "--health-interval", "1s", "--health-timeout", "2s", "--health-retries", "2",
            "--registry", $"demo={world.Registry.Here}", "demo/redis:1", "-c", Script);
        await Says(world, "up", 1);

        Assert.Equal("job", await Run(world, "kill", "-s", "USR1", "job"));
        await Says(world, "heard usr1", 1);
        Assert.Equal((WorkloadState.Running, 1), await State(world));

        await Is(world, HealthState.Healthy);
        Assert.Contains("running (healthy)", await Run(world, "get", "job"), StringComparison.Ordinal);
        await Run(world, "exec", "job", "touch", "/tmp/ill");
        HealthStatus ill = await Is(world, HealthState.Unhealthy);
        Assert.Equal((3, "it is ill\n"), (ill.Results![^1].ExitCode, ill.Results[^1].Output));
        await Run(world, "exec", "job", "mv", "/tmp/ill", "/tmp/hangs");
        await Eventually.Get("a probe that took too long", s_patience, async () =>
            (await Status.Of(world.Owner, "job", "main")).Health!.Results![^1].ExitCode == -1 ? "killed" : null);
        await Run(world, "exec", "job", "rm", "/tmp/hangs");
        await Is(world, HealthState.Healthy);
        await Eventually.Get("nothing of a probe to be left", s_patience, async () =>
            (await Run(world, "exec", "job", "cat", "/sys/fs/cgroup/health/cgroup.procs")).Length == 0 ? "nothing" : null);

        // Processors, memory, networks, disks: the guest answers a moment later than its monitor.
        await Eventually.Get("what the machine uses", s_patience, async () =>
        {
            string table = await Run(world, "stats", "--no-stream", "job");
            Assert.StartsWith("job/main ", table.Split('\n')[1], StringComparison.Ordinal);
            return table.Contains("--", StringComparison.Ordinal) ? throw new InvalidOperationException(table) : table;
        });

        Stopwatch watch = Stopwatch.StartNew();
        Assert.Equal("job", await Run(world, "restart", "job"));
        World.Figure(output, "seconds of zos restart", watch.Elapsed.TotalSeconds, "s");
        await Says(world, "up", 2);
        await Says(world, "heard term", 1);
        Assert.Equal((WorkloadState.Running, 2), await State(world));
        Assert.Equal(42, (await Status.Of(world.Owner, "job", "main")).ExitCode);
        MachineRun first = Assert.Single((await Status.Of(world.Owner, "job", "main")).Runs!);
        Assert.Equal((1, 42, "stopped"), (first.Number, first.ExitCode, first.Reason));

        Task<string> waits = Run(world, "wait", "job");
        Assert.Equal("job", await Run(world, "stop", "-s", "USR1", "-t", "2", "job"));      // heard, not heeded, and killed
        Assert.Equal("137", await waits);
        await Says(world, "heard usr1", 2);
        Assert.Equal((WorkloadState.Stopped, 2), await State(world));
        CommandResult refused = await world.Owner.Run(s_patience, "kill", "job");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("does not run", refused.Error, StringComparison.Ordinal);

        Assert.Equal("job", await Run(world, "start", "job"));
        await Says(world, "up", 3);
        Assert.Equal("job", await Run(world, "kill", "job"));
        Assert.Equal("137", await Run(world, "wait", "job"));
        Assert.Equal("job", await Run(world, "rm", "job"));
        await IsGone(world);

        // Made now and started later; started again once; gone with its end, whose exit code is there all the same.
        string[] image = ["--name", "job", "--entrypoint", "/bin/sh", "--registry", $"demo={world.Registry.Here}", "demo/redis:1", "-c"];
        Assert.Equal("job", await Run(world, ["create", "--rm", "--restart", "on-failure:1", .. image, "echo once; sleep 1; exit 3"]));
        Assert.Equal((WorkloadState.Stopped, 0), await State(world));
        Assert.Equal("job", await Run(world, "start", "job"));
        Assert.Equal("3", await Run(world, "wait", "job/main"));
        await IsGone(world);
        CommandResult run = await world.Owner.Run(s_patience, ["run", "--rm", .. image, "echo last words; exit 5"]);
        Assert.Equal((5, "last words"), (run.ExitCode, run.Output.Trim()));
        await IsGone(world);
        await Inside(world);
    }

    /// <summary>Docker's words about the inside, as a program in a guest sees what came of them, and as one without them does.</summary>
    private static async Task Inside(World world)
    {
        const string Look = "cat /etc/app.conf 2>/dev/null; cat /proc/sys/kernel/hostname /etc/resolv.conf; "
            + "grep -c 'box.example.org.box$' /etc/hosts; grep 10.9.9.9 /etc/hosts; "
            + "grep -E '^(Groups|CapEff|CapBnd):' /proc/self/status; ulimit -Sn; ulimit -Hn; cat /proc/sys/net/core/somaxconn /proc/sys/vm/max_map_count; "
            + "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max; grep -E ' (/tmp|/dev/shm) ' /proc/mounts | cut -d ' ' -f 2-4; "
            + "(: > /new) 2>/dev/null || echo read-only; : > /tmp/new && echo writable; [ $$ = 1 ] && echo first; exit 7";
        string file = Path.Combine(world.Folder, "app.conf");
        await File.WriteAllTextAsync(file, "from here\n");
        string[] image = ["-u", "root", "--entrypoint", "/bin/sh", "--registry", $"demo={world.Registry.Here}", "demo/redis:1", "-c", Look];
        CommandResult told = await world.Owner.Run(s_patience, ["run", "--rm", "--name", "told", "-h", "box.example.org", "-l", "team=shop",
            "--add-host", "db:10.9.9.9", "--dns", "1.1.1.1", "--dns-search", "example.org", "--dns-option", "ndots:2", "--group-add", "44",
            "--cap-drop", "ALL", "--cap-add", "CHOWN", "--read-only", "--tmpfs", "/tmp:size=1m,mode=1777", "--shm-size", "2m", "--ulimit", "nofile=512:2048",
            "--sysctl", "net.core.somaxconn=1234", "--init", "--pids-limit", "50", "--cpus", "0.5",
            "-v", $"{file}:/etc/app.conf:ro", .. image]);
        Assert.Equal(7, told.ExitCode);
        string[] lines = told.Output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        Assert.Equal(["from here", "box.example.org", "nameserver 1.1.1.1", "search example.org", "options ndots:2", "1", "10.9.9.9 db", "Groups:\t44",
            "CapEff:\t0000000000000001", "CapBnd:\t0000000000000001", "512", "2048", "1234", "262144", "50", "50000 100000"],
            lines[..16].Select(l => l.TrimEnd()));
        Assert.Contains(lines, l => l.StartsWith("/tmp tmpfs rw,nosuid,nodev,noexec", StringComparison.Ordinal) && l.Contains("size=1024k"));
        Assert.Contains(lines, l => l.StartsWith("/dev/shm tmpfs", StringComparison.Ordinal) && l.Contains("size=2048k"));
        Assert.Equal(["read-only", "writable"], lines[^2..]);

        CommandResult plain = await world.Owner.Run(s_patience, ["run", "--rm", "--name", "plain", .. image]);
        Assert.Equal(7, plain.ExitCode);
        Assert.Contains("main\n", plain.Output, StringComparison.Ordinal);
        Assert.Contains("CapEff:\t00000000a80425fb\n", plain.Output, StringComparison.Ordinal);
        Assert.Contains("\n1024\n1048576\n", plain.Output, StringComparison.Ordinal);
        Assert.Contains("\nmax\nmax 100000\n", plain.Output, StringComparison.Ordinal);
        Assert.Contains("size=65536k", plain.Output, StringComparison.Ordinal);
        Assert.EndsWith("writable\nfirst\n", plain.Output, StringComparison.Ordinal);
    }

    private static Task<string> IsGone(World world) =>
        Eventually.Get("the deployment to be gone", s_patience, async () => (await Status.Names(world.Owner)).Length == 0 ? "gone" : null);

    private static async Task<string> Run(World world, params string[] arguments) => (await world.Owner.Run(s_patience, arguments)).Ok();

    private static async Task<(WorkloadState State, int Starts)> State(World world)
    {
        WorkloadStatus status = await Status.Of(world.Owner, "job", "main");
        return (status.State, status.Starts);
    }

    /// <summary>Waits until its health check says so.</summary>
    private static Task<HealthStatus> Is(World world, HealthState state) => Eventually.Get($"the machine to be {state}", s_patience, async () =>
        (await Status.Of(world.Owner, "job", "main")).Health is { } health && health.State == state ? health : null);

    /// <summary>Waits until the machine has said a line so many times, in all its runs.</summary>
    private static Task<string> Says(World world, string line, int times) => Eventually.Get($"\"{line}\", {times} times", s_patience, async () =>
    {
        string log = await world.Owner.Ok("logs", "job");
        return log.Split('\n').Count(l => l.Trim() == line) >= times ? log : throw new InvalidOperationException(log);
    });
}
