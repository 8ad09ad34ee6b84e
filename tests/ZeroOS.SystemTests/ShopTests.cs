using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

using Xunit.Abstractions;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests;

/// <summary>
/// A project as people have them (Compose/shop): a proxy, an application, a database and a cache, an internal network, volumes, a secret, health checks. It is
/// run by an unmodified docker compose.
/// </summary>
public sealed partial class ShopTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(180);

    [SkippableFact, Trait("length", "docker")]
    public async Task A_shop_counts_on_through_restarts_and_power_cuts_and_leaves_nothing()
    {
        CommandResult program = await Command.Run(Checkout.Path("scripts", "docker-compose"), [], s_patience);
        Skip.IfNot(program.ExitCode == 0, $"no docker compose: {program.Error}");
        (World world, DockerEngine docker) = await DockerEngine.Boot("shop", "nginx", "redis", "python", "postgres");
        await using World farm = world;
        await using DockerEngine engine = docker;
        string project = Path.Combine(world.Folder, "project"), file = Path.Combine(project, "compose.yaml");
        (await Command.Run("cp", ["-r", Checkout.Path("tests", "ZeroOS.SystemTests", "Compose", "shop"), project], s_patience)).Ok();
        Directory.CreateDirectory(Path.Combine(project, "no-sites"));

        await Up("first");
        for (int visit = 1; visit <= 3; visit++)
            Assert.Equal($"hello db={visit} cache={visit} uid=10001", await Visit());
        Assert.Equal(["cache", "db", "app", "web"], (await Started()).OrderBy(s => s.Key == "cache" ? default : s.Value).Select(s => s.Key));

        // The back is another network than the proxy's, and leads nowhere.
        Assert.NotEqual(0, (await Run("exec", "-T", "web", "getent", "hosts", "db")).ExitCode);
        Assert.Equal(0, (await Run("exec", "-T", "web", "getent", "hosts", "app")).ExitCode);
        Assert.NotEqual(0, (await Run("exec", "-T", "db", "bash", "-c", "exec 3<>/dev/tcp/1.1.1.1/53")).ExitCode);
        Assert.Contains(" 256 ", await Ok("exec", "-T", "db", "df", "-m", "/dev/shm"), StringComparison.Ordinal);

        await Ok("restart", "db", "cache");
        await Up("again");
        Assert.Equal("hello db=4 cache=4 uid=10001", await Visit());

        // The first process of the application ends, and the restart policy brings it back.
        await Run("exec", "-T", "app", "sh", "-c", "kill 1");
        await Eventually.Get("another process", s_patience, async () => (await Started())["app"] > (await Started())["web"] ? "started" : null);
        Assert.Equal("hello db=5 cache=5 uid=10001", await Visit());

        // What was acknowledged is on disk: the node loses power, and what ran runs again.
        await world.Node.PowerOff();
        await world.Boot(fresh: false);
        Assert.Equal("hello db=6 cache=6 uid=10001", await Visit());

        await Ok("down");
        await Up("with volumes");
        Assert.Equal("hello db=7 cache=7 uid=10001", await Visit());
        await Ok("down", "-v");
        await Up("anew", ("GREETING", "salut"));
        Assert.Equal("salut db=1 cache=1 uid=10001", await Visit());
        await Ok("down", "-v");
        Assert.Equal("", await docker.Ok("volume", "ls", "-q") + await docker.Ok("ps", "-aq"));
        await Eventually.Get("nothing to be left", s_patience, async () => (await Status.Names(world.Owner)).Length == 0 ? "nothing" : null);

        async Task Up(string how, params (string Name, string Value)[] variables)
        {
            Stopwatch watch = Stopwatch.StartNew();
            foreach ((string name, string value) in variables)
                await File.WriteAllTextAsync(Path.Combine(project, ".env"), $"{name}={value}\n");
            await Ok("up", "-d", "--wait");
            World.Figure(output, $"seconds of docker compose up --wait, four services, {how}", watch.Elapsed.TotalSeconds, "s");
        }

        // A proxy that has no check of its own runs before it listens.
        Task<string> Visit() => Eventually.Get("an answer of the shop", s_patience, async () =>
        {
            using HttpClient http = new() { Timeout = TimeSpan.FromSeconds(20) };
            return (await http.GetStringAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{world.Ports[8080]}/")))).Trim();
        });

        async Task<Dictionary<string, DateTimeOffset>> Started()
        {
            string lines = await docker.Ok("inspect", "--format", "{{.Name}} {{.State.StartedAt}}", "shop-web-1", "shop-app-1", "shop-db-1", "shop-cache-1");
            return StartedPattern().Matches(lines).ToDictionary(m => m.Groups[1].Value,
                m => DateTimeOffset.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));
        }

        Task<CommandResult> Run(params string[] arguments) => docker.Compose(program.Output.Trim(), file, arguments);

        async Task<string> Ok(params string[] arguments)
        {
            CommandResult result = await Run(arguments);
            Assert.True(result.ExitCode == 0, $"docker compose {string.Join(' ', arguments)}: exit {result.ExitCode}: {result.Error}{result.Output}");
            return result.Output;
        }
    }

    [GeneratedRegex("/shop-([a-z]+)-1 ([^ \n]+)")]
    private static partial Regex StartedPattern();
}
