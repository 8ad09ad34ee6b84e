using System.Globalization;

namespace ZeroOS.SystemTests.Bench;

/// <summary>zos docker over a booted node, and Debian's docker that asks it.</summary>
internal sealed class DockerEngine : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly string _client, _socket, _pid, _folder;
    private readonly Task<CommandResult> _server;

    private DockerEngine(string client, World world)
    {
        (_client, _folder) = (client, world.Folder);
        (_socket, _pid) = (Path.Combine(world.Folder, "docker.sock"), Path.Combine(world.Folder, "docker.pid"));
        _server = world.Owner.Shell(TimeSpan.FromMinutes(20),
            $"echo $$ >{_pid}; exec $ZOS docker --socket {_socket} --registry demo={world.Registry.Here}");
    }

    /// <summary>A farm whose node runs, with example images in its registry (nginx and redis), port 8080 published, and zos docker over it.</summary>
    public static async Task<(World World, DockerEngine Docker)> Boot(string name, params string[] images)
    {
        World world = await World.Make(name, 8080);
        try
        {
            foreach (string image in images is [] ? ["nginx", "redis"] : images)
                await world.Publish(image);
            await world.Boot();
            await world.Pin(world.Owner);
            await world.Grant(world.OwnerKey, "8080", "7GiB");
            return (world, await Start(world));
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    private static async Task<DockerEngine> Start(World world)
    {
        DockerEngine engine = new((await Command.Run(Checkout.Path("scripts", "docker-client"), [], s_patience)).Ok(), world);
        await Eventually.Get("zos docker to listen", s_patience, async () => engine._server.IsCompleted
            ? throw new NotSupportedException((await engine._server).Error) : (await engine.Run("ps")).ExitCode == 0 ? "listens" : null);
        return engine;
    }

    public Task<CommandResult> Run(params string[] arguments) => Command.Run(_client, arguments, s_patience, Environment());

    /// <summary>Runs a line of a shell in which <c>$DOCKER</c> is the client.</summary>
    public Task<CommandResult> Shell(string line) => Command.Run("sh", ["-c", line], s_patience, Environment());

    public async Task<string> Ok(params string[] arguments)
    {
        CommandResult result = await Run(arguments);
        return result.ExitCode == 0 ? result.Output.Trim() : throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
            $"docker {string.Join(' ', arguments)}: exit {result.ExitCode}: {result.Error.Trim()} {result.Output.Trim()}"));
    }

    /// <summary>Runs a compose program on a project, whose services boot at their own pace.</summary>
    public Task<CommandResult> Compose(string program, string file, params string[] arguments) =>
        Command.Run(program, ["-f", file, .. arguments], 2 * s_patience, Environment());

    private Dictionary<string, string> Environment() =>
        new() { ["DOCKER_HOST"] = $"unix://{_socket}", ["DOCKER_CONFIG"] = _folder, ["DOCKER"] = _client };

    public async ValueTask DisposeAsync()
    {
        await Command.Run("kill", ["-TERM", (await File.ReadAllTextAsync(_pid)).Trim()], s_patience);
        await _server;
    }
}
