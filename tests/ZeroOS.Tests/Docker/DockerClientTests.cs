using System.Diagnostics;
using System.Text;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Formats.Tar;
using ZeroOS.Tests.Formats.Tar;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Repository;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Docker;

/// <summary>
/// Unmodified docker programs against the server and a node that the test plays: Debian's, which <c>scripts/docker-client</c> takes out of its package, since
/// that would start a daemon, and one that is installed. Where there is none, these tests say so.
/// </summary>
public sealed class DockerClientTests : IAsyncLifetime
{
    private static readonly string[] s_places = ["/usr/local/bin/docker", "/usr/bin/docker"];
    private static readonly ProgramRun s_debians = ProgramRun.Of(Path.Combine(Checkout.Root, "scripts", "docker-client"));

    private readonly TemporaryDirectory _work = new();
    private DockerBench _docker = null!;

    public static TheoryData<string> Clients => [.. s_places.Append(s_debians.Output.Trim()).Where(File.Exists).DefaultIfEmpty("")];

    public async Task InitializeAsync() => _docker = await DockerBench.StartAsync();

    public async Task DisposeAsync()
    {
        await _docker.DisposeAsync();
        _work.Dispose();
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Run_has_both_streams_and_the_code_and_leaves_nothing(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram("o\n", "e\n", 7);
        Assert.Equal((7, "o\n", "e\n"), await RunAsync(client, "run", "--rm", "busybox", "sh", "-c", "exit 7"));
        Assert.Equal((0, "", ""), await RunAsync(client, "ps", "-aq"));
        Assert.Equal("1.47\n", (await RunAsync(client, "version", "--format", "{{.Server.APIVersion}}")).Out);
        (int code, string output, _) = await RunAsync(client, "info");
        Assert.Equal(0, code);
        Assert.Contains("Operating System: ZeroOS", output, StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", output, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Life_of_a_container(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram("hello\n", Code: null);
        (int code, string id, string error) = await RunAsync(client, "run", "-d", "--name", "w", "-p", "8080:80", "--label", "a=b", "busybox", "serve");
        Assert.True(code == 0, error);
        Assert.Equal("80/tcp -> 0.0.0.0:8080\n", (await RunAsync(client, "port", "w")).Out);
        string row = (await RunAsync(client, "ps", "--no-trunc", "--filter", "label=a=b", "--format",
            "{{.ID}} {{.State}} {{.Ports}} {{.Label \"a\"}} {{.Status}}")).Out;
        Assert.StartsWith($"{id.Trim()} running 0.0.0.0:8080->80/tcp b Up ", row, StringComparison.Ordinal);
        (code, _, error) = await RunAsync(client, "run", "--name", "w", "busybox", "true");
        Assert.Equal(125, code);
        Assert.Contains("Conflict. The container name", error, StringComparison.Ordinal);
        Task<(int, string Out, string)> followed = RunAsync(client, "logs", "-f", "w");
        Assert.Equal("1970-01-01T00:00:00.000000000Z hello\n", (await RunAsync(client, "logs", "--tail", "1", "-t", "w")).Out);
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "stop", "-t", "1", "w"));
        Assert.Equal("hello\n", (await followed).Out);
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "stop", "w"));
        Assert.Equal((0, "exited 143\n", ""), await RunAsync(client, "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "w"));
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "start", "w"));
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "start", "w"));
        Assert.Equal(1, (await RunAsync(client, "rm", "w")).Code);
        Task<(int, string Out, string)> waited = RunAsync(client, "wait", "w");
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "kill", "-s", "HUP", "w"));
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "restart", "w"));
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "rm", "-f", "w"));
        await waited;
        (code, _, error) = await RunAsync(client, "inspect", "w");
        Assert.Equal(1, code);
        Assert.Contains("No such object: w", error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Program_that_is_not_found_is_127_and_an_image_125(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: 127, Reason: "command-not-found");
        (int code, _, string error) = await RunAsync(client, "run", "--rm", "busybox", "nosuch");
        Assert.Equal(127, code);
        Assert.Contains("executable file not found", error, StringComparison.Ordinal);
        Assert.Equal(125, (await RunAsync(client, "run", "demo/nosuch:1")).Code);
        (code, _, error) = await RunAsync(client, "run", "-v", "/etc:/srv", "busybox", "true");
        Assert.Equal(125, code);
        Assert.Contains("bind mount /etc cannot be honoured", error, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Words_of_the_inside_and_networks_are_taken_without_a_warning(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        string network = (await RunAsync(client, "network", "create", "front")).Out.Trim();
        (int code, _, string error) = await RunAsync(client, "run", "-d", "--name", "w", "--network", "front", "--network-alias", "www", "--ip", "172.18.0.9",
            "-h", "a", "--tmpfs", "/run:size=64m", "--cpus", "0.5", "--pids-limit", "200", "--ulimit", "nofile=1024:65536", "--shm-size", "1g", "--init",
            "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--read-only", "--sysctl", "net.core.somaxconn=1024", "--add-host", "db:10.0.0.7",
            "--dns", "1.1.1.1", "--group-add", "video", "--restart", "on-failure:3", "--health-cmd", "true", "--health-interval", "5s", "busybox", "serve");
        Assert.Equal((0, ""), (code, error));
        ZmachineData machine = _docker.Engine.Deployments.SelectMany(d => d.Workloads).OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal(($"docker-{network[..12]}/net", "172.18.0.9", 500, 3),
            (machine.Networks[0].Network, machine.Networks[0].Ip, machine.CpuQuota!.Value, machine.MaxRestarts!.Value));
        Assert.Equal(["w", "www"], machine.Networks[0].Aliases!);
        Assert.Equal((new HealthCheck { Shell = "true", Interval = "5s" }, 65536), (machine.Health, machine.Ulimits![0].Hard));
        Assert.Equal(1, (await RunAsync(client, "network", "rm", "front")).Code);
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "rm", "-f", "w"));
        Assert.Equal((0, "front\n", ""), await RunAsync(client, "network", "rm", "front"));
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Run_with_an_input_has_the_programs_code_and_output(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        string typed = "";
        _docker.PlayItself(new AttachedProgram { Stdin = true }, async (session, _) =>
        {
            byte[] buffer = new byte[1000];
            while (await session.ReadAsync(0, buffer) is > 0 and int count)
                typed += Encoding.UTF8.GetString(buffer, 0, count);
            await session.WriteAsync(1, "sorted"u8.ToArray());
        }, code: 4);
        Assert.Equal((4, "sorted", ""), await RunAsync(client, "typed", ["run", "-i", "--rm", "busybox", "sort"]));
        Assert.Equal("typed", typed);
        Assert.Equal((0, "", ""), await RunAsync(client, "ps", "-aq"));
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Stats_are_shares_of_one_processor_and_volumes_are_mounted(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        Assert.Equal((0, "data\n", ""), await RunAsync(client, "volume", "create", "data"));
        (int code, _, string error) = await RunAsync(client, "run", "-d", "--name", "w", "-v", "data:/srv/data", "--mount",
            "type=volume,src=logs,dst=/var/log,ro", "busybox", "serve");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal("w 50.00% 40MiB / 256MiB 3kB / 1kB 5kB / 2kB 7\n", (await RunAsync(client, "stats", "--no-stream", "--format",
            "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}", "w")).Out);
        Assert.Equal("data /srv/data true;logs /var/log false;\n", (await RunAsync(client, "inspect", "-f",
            "{{range .Mounts}}{{.Name}} {{.Destination}} {{.RW}};{{end}}", "w")).Out);
        Assert.Equal(1, (await RunAsync(client, "volume", "rm", "data")).Code);
        Assert.Equal((0, "w\n", ""), await RunAsync(client, "rm", "-f", "w"));
        Assert.Equal((0, "data\nlogs\n", ""), await RunAsync(client, "volume", "rm", "data", "logs"));
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Cp_copies_out_and_in(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        Assert.Equal(0, (await RunAsync(client, "run", "-d", "--name", "w", "busybox", "serve")).Code);
        _docker.Send(new TarBytes().File("motd", "hello\n").ToArray());
        Assert.Equal(0, (await RunAsync(client, "cp", "w:/etc/motd", _work["mine"])).Code);
        Assert.Equal("hello\n", File.ReadAllText(_work["mine"]));
        // What is in a directory gets another name.
        _docker.Send(new TarBytes().Directory("./").File("./a.conf", "a").ToArray());
        Assert.Equal(0, (await RunAsync(client, "cp", "w:/etc/.", _work["etc"])).Code);
        Assert.Equal("a", File.ReadAllText(_work["etc/a.conf"]));
        // The client asks what is at the place, and then sends.
        _docker.Node.Program = async session =>
        {
            await session.BegunAsync();
            if (_docker.Node.Opened!.Kind == SessionKinds.CopyOut)
                await DockerBench.SendAsync(session, new TarBytes().Directory("srv/").ToArray());
            else
                await _docker.TakeAsync(session, new CopyTarget { IsThere = true, IsDirectory = true });
        };
        Assert.Equal(0, (await RunAsync(client, "cp", _work["mine"], "w:/srv/")).Code);
        using MemoryStream came = new(_docker.Came);
        TarEntry entry = new TarReader(came).Next()!;
        Assert.Equal(("mine", 6), (entry.Path, entry.Size));
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Cp_copies_into_a_container_before_its_first_start_and_out_of_it(string client)
    {
        File.WriteAllText(_work["mine"], "hello\n");
        Directory.CreateDirectory(_work["site/d"]);
        File.WriteAllText(_work["site/d/a"], "a");
        Assert.Equal(0, (await RunAsync(client, "create", "--name", "w", "busybox", "serve")).Code);
        foreach ((string from, string to) in new[] { ("mine", "/etc/app/conf"), ("site", "/srv"), ("mine", "/srv/d"), ("mine", "/") })
        {
            (int code, _, string error) = await RunAsync(client, "cp", _work[from], $"w:{to}");
            Assert.True(code == 0, error);
        }
        // The client asks what is at the place: /srv is a folder from the second copy on, and / always.
        Assert.Equal(["/etc/app/conf", "/mine", "/srv/d/a", "/srv/d/mine"], _docker.Engine.Deployments.Single().Workloads.OfType<ZmachineWorkload>().Single()
            .Data.Files!.Select(f => f.Path).Order(StringComparer.Ordinal));
        Assert.Equal(0, (await RunAsync(client, "cp", "w:/srv/d/mine", _work["back"])).Code);
        Assert.Equal("hello\n", File.ReadAllText(_work["back"]));

        // What is too large is not read to its end, and the client hears why.
        using (FileStream big = File.Create(_work["big"]))
            big.SetLength(100 << 20);
        (int refused, _, string why) = await RunAsync(client, "cp", _work["big"], "w:/big");
        Assert.NotEqual(0, refused);
        Assert.Contains("before its first start a container takes 64 files at most, and 256KiB together", why, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [MemberData(nameof(Clients))]
    public async Task Exec_has_the_programs_code_and_input(string client)
    {
        _docker.Engine.Program = _ => new PlayedProgram(Code: null);
        Assert.Equal(0, (await RunAsync(client, "run", "-d", "--name", "w", "busybox", "serve")).Code);
        _docker.Play(async (session, _) =>
        {
            byte[] buffer = new byte[1000];
            while (await session.ReadAsync(0, buffer) is > 0 and int count)
                await session.WriteAsync(1, buffer.AsMemory(0, count));
            return 3;
        });
        Assert.Equal((3, "typed", ""), await RunAsync(client, "typed", ["exec", "-i", "w", "cat"]));
    }

    private Task<(int Code, string Out, string Error)> RunAsync(string client, params string[] words) => RunAsync(client, null, words);

    private async Task<(int Code, string Out, string Error)> RunAsync(string client, string? input, string[] words)
    {
        Skip.If(client.Length == 0, $"there is no docker program: {s_debians.Error}");
        ProcessStartInfo start = new(client, words) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOCKER_HOST"] = $"unix://{_docker.Socket}";
        start.Environment["DOCKER_CONFIG"] = Path.GetDirectoryName(_docker.Socket)!;
        using Process docker = Process.Start(start)!;
        if (input is not null)
            await docker.StandardInput.WriteAsync(input);
        docker.StandardInput.Close();
        Task<string> output = docker.StandardOutput.ReadToEndAsync(), error = docker.StandardError.ReadToEndAsync();
        using CancellationTokenSource within = new(TimeSpan.FromSeconds(60));
        try
        {
            await docker.WaitForExitAsync(within.Token);
        }
        catch (OperationCanceledException)
        {
            docker.Kill();
            throw new TimeoutException($"docker {string.Join(' ', words)} does not end");
        }
        return (docker.ExitCode, await output, await error);
    }
}
