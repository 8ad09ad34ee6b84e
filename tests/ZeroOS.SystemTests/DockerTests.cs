using System.Diagnostics;
using System.Globalization;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>Debian's unmodified docker client, by <c>zos docker</c>, against a booted node that has no Docker in it.</summary>
public sealed class DockerTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_docker_user_runs_publishes_enters_joins_and_removes_containers()
    {
        (World world, DockerEngine docker) = await DockerEngine.Boot("docker");
        await using World farm = world;
        await using DockerEngine engine = docker;
        string[] shell = ["-u", "root", "--entrypoint", "/bin/sh", "demo/redis:1", "-c"];

        Assert.Contains("Operating System: ZeroOS", await docker.Ok("info"), StringComparison.Ordinal);
        Assert.Equal(new CommandResult(7, "out\n", "err\n"), await docker.Run(["run", "--rm", .. shell, "echo out; echo err >&2; exit 7"]));
        CommandResult absent = await docker.Run("run", "--rm", "--entrypoint", "no-such-program", "demo/redis:1");
        Assert.Equal(127, absent.ExitCode);
        Assert.Contains("executable file not found", absent.Error, StringComparison.Ordinal);
        Stopwatch watch = Stopwatch.StartNew();
        await docker.Ok(["run", "--rm", .. shell, "true"]);
        World.Figure(output, "seconds of docker run --rm", watch.Elapsed.TotalSeconds, "s");
        Assert.Equal(new CommandResult(0, "a\nb\n", ""), await docker.Shell("printf 'b\\na\\n' | $DOCKER run -i --rm --entrypoint sort demo/redis:1"));
        // util-linux's script gives docker a terminal to stand on.
        CommandResult terminal = await docker.Shell("script -qec \"stty rows 24 cols 80; $DOCKER run -it --rm --entrypoint sh demo/redis:1 "
            + "-c 'tty; sleep 1; stty size; exit 5'\" /dev/null </dev/null");
        Assert.Contains("/dev/pts/", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("24 80", terminal.Output, StringComparison.Ordinal);
        Assert.Equal(5, terminal.ExitCode);
        await Eventually.Get("nothing to be left of them", s_patience, async () => (await docker.Ok("ps", "-aq")).Length == 0 ? "nothing" : null);

        await docker.Ok("run", "-d", "--name", "web", "-p", "8080:80", "-p", "127.0.0.1::80", "--label", "team=shop", "--memory", "256m", "demo/nginx:1");
        await Status.Page(world.Ports[8080], s_patience);
        Assert.Matches(@"^web 0\.0\.0\.0:8080->80/tcp, 127\.0\.0\.1:\d+->80/tcp$",
            await docker.Ok("ps", "--filter", "label=team=shop", "--format", "{{.Names}} {{.Ports}}"));
        // One port of this computer leads there by a session, and needs none of the node.
        string here = (await docker.Ok("port", "web", "80")).Split('\n').Single(l => l.StartsWith("127.0.0.1:", StringComparison.Ordinal));
        int local = int.Parse(here.Split(':')[1], CultureInfo.InvariantCulture);
        await Status.Page(local, s_patience);
        Assert.Equal(new CommandResult(3, "nginx\n", "err\n"), await docker.Run("exec", "web", "sh", "-c", "cat /proc/1/comm; echo err >&2; exit 3"));
        await Eventually.Get("a line of the access log", s_patience, async () =>
            (await docker.Ok("logs", "--tail", "1", "web")).Contains("GET / HTTP/1.1", StringComparison.Ordinal) ? "there" : null);

        // Files come out and go in, and what it uses is shown.
        string copy = Path.Combine(world.Folder, "copied");
        await docker.Ok("cp", "web:/etc/passwd", copy);
        Assert.StartsWith("root:", await File.ReadAllTextAsync(copy), StringComparison.Ordinal);
        await File.WriteAllTextAsync(copy, "mine\n");
        await docker.Ok("cp", copy, "web:/srv/");
        Assert.Equal("mine", await docker.Ok("exec", "web", "cat", "/srv/copied"));
        Assert.NotEqual(0, (await docker.Run("cp", "web:/no-such-file", copy)).ExitCode);
        Assert.Matches(@"^web \d+\.\d\d% \d.*MiB / 256MiB [1-9]\d*$",
            await docker.Ok("stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}", "web"));

        Assert.Contains("nginx: master process", await docker.Ok("top", "web"), StringComparison.Ordinal);

        // A volume is there after the container that wrote into it, and goes when nobody names it.
        await docker.Ok(["run", "--rm", "-v", "kept:/data", .. shell, "echo kept >/data/file"]);
        Assert.Equal("kept", await docker.Ok(["run", "--rm", "-v", "kept:/data:ro", .. shell, "cat /data/file; ! touch /data/other 2>/dev/null"]));
        await docker.Ok("volume", "rm", "kept");

        // Two containers of one network find each other by name; the network stays as long as they are there.
        await docker.Ok("network", "create", "back");
        await docker.Ok("run", "-d", "--name", "store", "--network", "back", "--network-alias", "db", "--memory", "256m", "demo/redis:1");
        Assert.Equal("PONG", await Eventually.Get("redis to answer", s_patience, async () =>
            await docker.Ok("run", "--rm", "--network", "back", "--entrypoint", "redis-cli", "demo/redis:1", "-h", "db", "ping")));
        Assert.NotEqual(0, (await docker.Run("network", "rm", "back")).ExitCode);

        // nginx's image names SIGQUIT, by which it ends in order.
        Assert.Equal("web", await docker.Ok("stop", "web"));
        await Status.NoPage(local);
        Assert.Equal("exited 0", await docker.Ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "web"));
        Assert.Equal("web", await docker.Ok("start", "web"));
        await Status.Page(world.Ports[8080], s_patience);
        Assert.Equal("web", await docker.Ok("kill", "web"));
        Assert.Equal("137", await docker.Ok("wait", "web"));
        await docker.Ok("rm", "web");
        await docker.Ok("rm", "-f", "store");
        await docker.Ok("network", "rm", "back");
        Assert.Equal("", await docker.Ok("ps", "-aq"));
        await Eventually.Get("nothing to be left", s_patience, async () => (await Status.Names(world.Owner)).Length == 0 ? "nothing" : null);
    }
}
