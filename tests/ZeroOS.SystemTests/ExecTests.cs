using System.Diagnostics;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// Programs beside the workload of a machine on a booted node, by <c>zos exec</c>, the workload itself, by <c>zos attach</c> and <c>zos run -it</c>, and
/// connections to it, by <c>zos forward</c>.
/// </summary>
public sealed class ExecTests(ITestOutputHelper output)
{
    private const int MegabytesMoved = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_program_runs_beside_the_workload_with_input_output_a_terminal_and_an_exit_code()
    {
        await using World world = await World.Make("exec", 8080);
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        await world.Grant(world.OwnerKey, "8080");
        await world.Owner.Ok("deploy", Checkout.Path("examples", "web.yaml"), "--registry", $"demo={world.Registry.Here}");

        Assert.Equal(new CommandResult(7, "out\n", "err\n"), await Exec(world, "web/nginx", "sh", "-c", "echo out; echo err >&2; exit 7"));
        Assert.Equal("nginx", (await Exec(world, "web/nginx", "cat", "/proc/1/comm")).Ok());
        Assert.Equal("www-data /tmp here", (await Exec(world, "-u", "www-data", "-w", "/tmp", "-e", "WHERE=here", "web/nginx",
            "sh", "-c", "echo $(id -un) $(pwd) $WHERE")).Ok());
        Assert.Equal(137, (await Exec(world, "web/nginx", "sh", "-c", "kill -9 $$")).ExitCode);
        CommandResult absent = await Exec(world, "web/nginx", "no-such-program");
        Assert.Equal(127, absent.ExitCode);
        Assert.Contains("no-such-program", absent.Error, StringComparison.Ordinal);
        Assert.Equal(126, (await Exec(world, "web/nginx", "/etc/passwd")).ExitCode);
        CommandResult nowhere = await Exec(world, "web/nobody", "true");
        Assert.Equal(125, nowhere.ExitCode);
        Assert.Contains("\"web\" has no machine \"nobody\"", nowhere.Error, StringComparison.Ordinal);

        Stopwatch watch = Stopwatch.StartNew();
        Assert.Equal("once", (await Exec(world, "web/nginx", "echo", "once")).Ok());
        World.Figure(output, "seconds of zos exec echo", watch.Elapsed.TotalSeconds, "s");
        watch.Restart();
        CommandResult moved = await world.Owner.Shell(s_patience, $"head -c {MegabytesMoved}M /dev/zero | tr '\\0' x | $ZOS exec -i web/nginx sha256sum");
        World.Figure(output, "MB a second into a program", MegabytesMoved / watch.Elapsed.TotalSeconds, "MB/s");
        CommandResult expected = await world.Owner.Shell(s_patience, $"head -c {MegabytesMoved}M /dev/zero | tr '\\0' x | sha256sum");
        Assert.Equal(expected.Ok(), moved.Ok());
        watch.Restart();
        CommandResult came = await world.Owner.Shell(s_patience, $"$ZOS exec web/nginx head -c {MegabytesMoved}M /dev/zero | wc -c");
        World.Figure(output, "MB a second out of a program", MegabytesMoved / watch.Elapsed.TotalSeconds, "MB/s");
        Assert.Equal($"{MegabytesMoved << 20}", came.Ok());

        // util-linux's script gives zos a terminal of 24 by 80 to stand on.
        CommandResult terminal = await world.Owner.Shell(s_patience,
            "script -qec \"stty rows 24 cols 80; $ZOS exec -it web/nginx sh -c 'tty; stty size; exit 5'\" /dev/null </dev/null");
        Assert.Contains("/dev/pts/", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("24 80", terminal.Output, StringComparison.Ordinal);
        Assert.Equal(5, terminal.ExitCode);

        await Forward(world);
        await Neighbour(world);
        await Attach(world);
        await RunInForeground(world);

        Task<CommandResult> lasting = Exec(world, "web/nginx", "sleep", "300");
        await Eventually.Get("the program to run", s_patience, async () =>
            (await Exec(world, "web/nginx", "sh", "-c", "cat /proc/[0-9]*/comm")).Output.Contains("sleep", StringComparison.Ordinal) ? "runs" : null);
        await world.Owner.Ok("stop", "web/nginx");
        CommandResult cut = await lasting;
        Assert.Equal(125, cut.ExitCode);
        Assert.Contains("machine ended", cut.Error, StringComparison.Ordinal);
    }

    /// <summary>A machine of another deployment joins the network, finds the workload by name, and keeps the network from being taken away.</summary>
    private async Task Neighbour(World world)
    {
        string file = Path.Combine(world.Folder, "side.yaml");
        await File.WriteAllTextAsync(file, """
            name: side
            workloads:
              - name: main
                type: zmachine
                data:
                  flist: { reference: "demo/nginx:1" }
                  memory: 64MiB
                  entrypoint: ["sleep", "1000"]
                  networks: [ { network: web/net, aliases: [neighbour] } ]
            """);
        await world.Owner.Ok("deploy", file, "--registry", $"demo={world.Registry.Here}");
        CommandResult answer = await Exec(world, "side/main", "bash", "-c",
            "exec 3<>/dev/tcp/nginx.web/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; head -n 1 <&3");
        Assert.Contains("200 OK", answer.Ok(), StringComparison.Ordinal);
        CommandResult refused = await world.Owner.Run(s_patience, "delete", "web");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("used by machine side/main", refused.Error, StringComparison.Ordinal);
        await world.Owner.Ok("delete", "side");
    }

    /// <summary>A port of this computer leads to the workload's own, which need not be published; a port at which nothing listens is said.</summary>
    private async Task Forward(World world)
    {
        const int Pages = 20;
        string said = Path.Combine(world.Folder, "forward");
        Task<CommandResult> forward = world.Owner.Shell(s_patience, $"echo $$ >{said}.pid; exec $ZOS forward web/nginx 0:80 0:81 2>{said}");
        string[] addresses = await Eventually.Get("zos forward to listen", s_patience, async () =>
        {
            string[][] lines = [.. (await File.ReadAllLinesAsync(said)).Select(l => l.Split(" -> "))];
            return lines is [[string page, _], [string nothing, _]] ? (string[])[page, nothing] : null;
        });
        Stopwatch watch = Stopwatch.StartNew();
        string[] pages = await Task.WhenAll(Enumerable.Range(0, Pages).Select(async _ =>
        {
            using HttpClient client = new() { Timeout = s_patience };
            return await client.GetStringAsync(new Uri($"http://{addresses[0]}/"));
        }));
        World.Figure(output, "forwarded pages a second, each on a connection of its own", Pages / watch.Elapsed.TotalSeconds, "1/s");
        Assert.All(pages, p => Assert.Contains("Served by nginx", p, StringComparison.Ordinal));
        using (HttpClient client = new() { Timeout = s_patience })
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri($"http://{addresses[1]}/")));
        (await Command.Run("kill", ["-TERM", (await File.ReadAllTextAsync($"{said}.pid")).Trim()], s_patience)).Ok();
        CommandResult ended = await forward;
        Assert.Equal(130, ended.ExitCode);
        Assert.Contains("nothing listens at port 81 in the machine", await File.ReadAllTextAsync(said), StringComparison.Ordinal);
    }

    /// <summary>A shell on a terminal, which a person types at, another watches, the first leaves and a third one ends.</summary>
    private static async Task Attach(World world)
    {
        string keys = Path.Combine(world.Folder, "keys"), first = Path.Combine(world.Folder, "first"), second = Path.Combine(world.Folder, "second");
        await world.Owner.Ok([.. Run(world, "shell"), "-dit", "demo/nginx:1"]);
        (await world.Owner.Shell(s_patience, $"mkfifo {keys}")).Ok();     // before anybody types
        Task<CommandResult> person = world.Owner.Shell(s_patience, $"exec 3<>{keys}; "
            + $"script -qec \"stty rows 30 cols 100; $ZOS attach shell\" /dev/null <{keys} >{first}");
        await Says(world, keys, first, "echo a$((1+1))ready", "a2ready");
        await Says(world, keys, first, "stty size", "30 100");
        await Says(world, keys, first, "tty", "/dev/pts/");
        Task<CommandResult> watcher = world.Owner.Shell(s_patience, $"$ZOS attach --no-stdin shell >{second}");
        await Says(world, keys, second, "echo b$((3+4))th", "b7th");
        (await world.Owner.Shell(s_patience, $"printf '\\020\\021' >{keys}")).Ok();
        Assert.Equal(0, (await person).ExitCode);
        Assert.Contains("shell/main, which runs on", await File.ReadAllTextAsync(first), StringComparison.Ordinal);
        Assert.Equal(5, (await world.Owner.Shell(s_patience, "printf 'exit 5\\n' | $ZOS attach shell")).ExitCode);
        Assert.Equal(5, (await watcher).ExitCode);
        Assert.Equal("5", await world.Owner.Ok("wait", "shell"));
        CommandResult late = await world.Owner.Run(s_patience, "attach", "shell");
        Assert.Equal(1, late.ExitCode);
        Assert.Contains("does not run", late.Error, StringComparison.Ordinal);
        Assert.Contains("30 100", await world.Owner.Ok("logs", "shell"), StringComparison.Ordinal);
        await world.Owner.Ok("rm", "shell");
    }

    private static async Task RunInForeground(World world)
    {
        string line = string.Join(' ', Run(world, "once").Append("--rm"));
        CommandResult piped = await world.Owner.Shell(s_patience,
            $"printf 'one\\ntwo\\n' | $ZOS {line} -i demo/nginx:1 -c 'echo begun; cat; echo oops >&2; exit 3'");
        Assert.Equal((3, "begun\none\ntwo\n", "oops\n"), (piped.ExitCode, piped.Output, piped.Error[^5..]));
        string keys = Path.Combine(world.Folder, "more-keys");
        CommandResult terminal = await world.Owner.Shell(s_patience, $"mkfifo {keys}; exec 3<>{keys}; "
            + $"script -qec \"$ZOS {line} -it --init demo/nginx:1 -c 'tty; echo mine >/dev/tty; exit 4'\" /dev/null <{keys}");
        Assert.Contains("/dev/pts/", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("mine", terminal.Output, StringComparison.Ordinal);
        Assert.Equal(4, terminal.ExitCode);
    }

    // What is typed before the client is there goes nowhere: it is typed again.
    private static Task Says(World world, string keys, string said, string typed, string answer) => Eventually.Get(answer, s_patience, async () =>
    {
        (await world.Owner.Shell(s_patience, $"printf '%s\\r' '{typed}' >{keys}")).Ok();
        string all = File.Exists(said) ? await File.ReadAllTextAsync(said) : "";
        return all.Contains(answer, StringComparison.Ordinal) ? answer : throw new InvalidOperationException(all);
    });

    private static string[] Run(World world, string name) =>
        ["run", "--name", name, "-m", "128MiB", "-u", "root", "--entrypoint", "/bin/sh", "--registry", $"demo={world.Registry.Here}"];

    private static Task<CommandResult> Exec(World world, params string[] arguments) => world.Owner.Run(s_patience, ["exec", .. arguments]);
}
