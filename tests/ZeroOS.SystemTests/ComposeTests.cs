using System.Diagnostics;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>An unmodified docker compose of Debian 13, by <c>zos docker</c>, against a booted node.</summary>
public sealed class ComposeTests(ITestOutputHelper output)
{
    private const string Project = """
        name: shop
        services:
          web:
            image: demo/nginx:1
            ports: ["8080:80"]
            volumes: ["./site:/var/www/html:ro"]
            configs: [{source: note, target: /srv/notes/today, mode: 0440}]
            depends_on: {store: {condition: service_healthy}}
            mem_limit: 256m
            restart: unless-stopped
          store:
            image: demo/redis:1
            volumes: ["data:/var/lib/redis"]
            secrets: [word, count]
            healthcheck: {test: ["CMD", "redis-cli", "ping"], interval: 2s, timeout: 5s, retries: 30}
            mem_limit: 256m
            networks: {default: {aliases: [db]}}
        volumes: {data: {}}
        secrets: {word: {file: ./word.txt}, count: {environment: ZOS_TEST_COUNT}}
        configs:
          note:
            content: |
              from a configuration
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    [SkippableFact]
    public async Task A_project_comes_up_stays_as_it_is_keeps_its_volume_and_goes()
    {
        CommandResult compose = await Command.Run(Checkout.Path("scripts", "docker-compose"), [], s_patience);
        Skip.IfNot(compose.ExitCode == 0, $"no docker compose: {compose.Error}");
        (World world, DockerEngine docker) = await DockerEngine.Boot("compose");
        await using World farm = world;
        await using DockerEngine engine = docker;
        string file = Path.Combine(world.Folder, "shop", "compose.yaml");
        Directory.CreateDirectory(Path.Combine(world.Folder, "shop", "site"));
        await File.WriteAllTextAsync(file, Project);
        await File.WriteAllTextAsync(Path.Combine(world.Folder, "shop", "site", "index.html"), "from compose\n");
        await File.WriteAllTextAsync(Path.Combine(world.Folder, "shop", "word.txt"), "secret\n");
        await File.WriteAllTextAsync(Path.Combine(world.Folder, "shop", ".env"), "ZOS_TEST_COUNT=seven\n");

        Stopwatch watch = Stopwatch.StartNew();
        await Compose("up", "-d", "--wait");
        World.Figure(output, "seconds of docker compose up --wait, two services", watch.Elapsed.TotalSeconds, "s");
        await Status.Page(world.Ports[8080], s_patience, "from compose");
        Assert.Equal("store running healthy\nweb running", await Compose("ps", "--format", "{{.Service}} {{.State}} {{.Health}}"));
        Assert.Equal("secret", await Compose("exec", "-T", "store", "cat", "/run/secrets/word"));
        // Neither is a file of this computer: both are put into containers that were not started yet.
        Assert.Equal("440 from a configuration", await Compose("exec", "-T", "web", "sh", "-c", "echo $(stat -c %a /srv/notes/today) $(cat /srv/notes/today)"));
        Assert.Equal("seven", await Compose("exec", "-T", "store", "cat", "/run/secrets/count"));
        Assert.Equal("OK", await Compose("exec", "-T", "store", "redis-cli", "set", "key", "kept"));
        Assert.Contains("db", await Compose("exec", "-T", "web", "getent", "hosts", "db"), StringComparison.Ordinal);

        // Nothing has changed, and nothing is made anew.
        string before = await docker.Ok("ps", "-q");
        await Compose("up", "-d", "--wait");
        Assert.Equal(before, await docker.Ok("ps", "-q"));

        await Compose("down");
        Assert.Equal("", await docker.Ok("ps", "-aq"));
        await Compose("up", "-d", "--wait", "store");
        Assert.Equal("kept", await Compose("exec", "-T", "store", "redis-cli", "get", "key"));
        await Compose("down", "-v");
        Assert.Equal("", await docker.Ok("volume", "ls", "-q") + await docker.Ok("ps", "-aq"));
        await Eventually.Get("nothing to be left", s_patience, async () => (await Status.Names(world.Owner)).Length == 0 ? "nothing" : null);

        async Task<string> Compose(params string[] arguments)
        {
            CommandResult result = await docker.Compose(compose.Output.Trim(), file, arguments);
            Assert.True(result.ExitCode == 0, $"docker compose {string.Join(' ', arguments)}: exit {result.ExitCode}: {result.Error}{result.Output}");
            return string.Join('\n', result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Trim()));
        }
    }
}
