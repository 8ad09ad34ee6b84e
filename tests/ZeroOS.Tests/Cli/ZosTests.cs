using System.Runtime.CompilerServices;
using System.Text.Json;

using Xunit;

using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Oci.Pull;

namespace ZeroOS.Tests.Cli;

[Collection("zos")] // the environment names the configuration folder, and there is one environment
public sealed class ZosTests : IAsyncLifetime
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private ZosBench _zos = null!;

    private string Web => _zos.Write("web.yaml", $$"""
        # comments are for people
        name: web
        workloads:
          - name: net
            type: network
            data: { range: 10.77.1.0/24 }
          - name: data
            type: zmount
            data: { size: 1GiB }
          - name: nginx
            type: zmachine
            data:
              flist: { reference: demo/nginx:1, digest: "{{Digest}}" }
              memory: 256MiB
              env: { MODE: production, PORT: "80" }
              networks: [ { network: net, ip: 10.77.1.10 } ]
              publish: [ { host: 8080, guest: 80 } ]
        """);

    public async Task InitializeAsync() => _zos = await ZosBench.StartAsync();

    public async Task DisposeAsync() => await _zos.DisposeAsync();

    [Fact]
    public async Task From_a_new_key_to_a_deployment_and_its_end()
    {
        string key = await _zos.SettleAsync();
        Assert.Contains(key, await _zos.Ok("grant", "list"), StringComparison.Ordinal);

        await _zos.Ok("deploy", Web);
        Assert.Equal(1, _zos.Stored("web").Version);
        await _zos.Ok("deploy", Web, "--detach");
        Deployment stored = _zos.Stored("web");
        Assert.Equal(2, stored.Version);
        ZmachineData machine = stored.Workloads.OfType<ZmachineWorkload>().Single().Data;
        Assert.Equal((Digest, 256L << 20, 8080, "80"), (machine.Flist.Digest, machine.Memory!.Value.Bytes, machine.Publish[0].Host, machine.Env["PORT"]));

        Assert.Contains("running", await _zos.Ok("get", "web"), StringComparison.Ordinal);
        Assert.Contains("web/nginx", await _zos.Ok("ps"), StringComparison.Ordinal);
        using JsonDocument list = JsonDocument.Parse(await _zos.Ok("list", "--json"));
        Assert.Equal("web", list.RootElement.GetProperty("deployments")[0].GetProperty("deployment").GetProperty("name").GetString());

        Assert.Equal("\u001b[1mhello from nginx\u001b[0m\nbye\n", await _zos.Ok("logs", "-f", "web"));
        Assert.Equal("nginx\n", await _zos.Ok("stop", "nginx"));
        Assert.Equal([new MachineStop { Deployment = "web", Machine = "nginx" }], _zos.Turned);

        await _zos.Ok("delete", "web", "--volumes");
        Assert.Equal(["data"], _zos.Deleted[0].Volumes);
        Assert.DoesNotContain("web", await _zos.Ok("list"), StringComparison.Ordinal);
        Assert.Contains("not-found", await _zos.Fails(1, "get", "web"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_that_are_followed_go_on_when_the_node_is_back_and_it_is_said_once()
    {
        await _zos.SettleAsync();
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _zos.Watch = Watch;
        Task<ZosRun> followed = _zos.Run("events", "-f");
        await told.Task;
        await _zos.RestartAsync(async nobody => (await nobody.AcceptTcpClientAsync()).Dispose());
        (int code, string output, string error) = await followed;
        Assert.True(code == 0, error);
        Assert.Equal(["1 one", "2 two", "3 three"], output.Trim().Split('\n').Select(l => l[20..]));
        Assert.Equal($"zos: the connection to 127.0.0.1:{_zos.Port} was lost; dialling again\n", error);

        async IAsyncEnumerable<NodeEvent> Watch(EventsWatch watch, [EnumeratorCancellation] CancellationToken stop)
        {
            bool again = told.Task.IsCompleted;
            string[] kinds = again ? ["one", "two", "three"] : ["one", "two"];
            for (long number = watch.After + 1; number <= kinds.Length; number++)
                yield return new NodeEvent { Number = number, Time = DateTimeOffset.UnixEpoch, Kind = kinds[number - 1] };
            if (again)
                yield break;
            told.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        }
    }

    [Fact]
    public async Task A_key_is_never_overwritten_and_comes_back_from_its_export()
    {
        string id = (await _zos.Ok("key", "new")).Trim();
        await _zos.Fails(1, "key", "new");
        string backup = _zos.Write("backup", await _zos.Ok("key", "export"));
        File.SetUnixFileMode(backup, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Delete(Path.Combine(_zos.Folder, "key"));
        Assert.Contains("zos key new", await _zos.Fails(1, "key", "show"), StringComparison.Ordinal);
        Assert.Equal(id, (await _zos.Ok("key", "import", backup)).Trim());
        Assert.Equal(id, (await _zos.Ok("key", "show")).Trim());
    }

    [Fact]
    public async Task A_node_with_another_id_is_not_pinned_and_not_taken_for_the_pinned_one()
    {
        await _zos.SettleAsync();
        string other = IdentityKey.Generate().Id.Text;
        string error = await _zos.Fails(1, "node", "add", "n1", $"{other}@127.0.0.1:{_zos.Port}");
        Assert.Contains(other, error, StringComparison.Ordinal);
        Assert.Contains(_zos.Node.Id.Text, error, StringComparison.Ordinal);
        Assert.Contains("nothing of the answer is believed", await _zos.Fails(1, "node", "add", "n2", $"{other}@127.0.0.1:{_zos.Port}"),
            StringComparison.Ordinal);
        await _zos.Fails(1, "list", "--node", $"{other}@127.0.0.1:{_zos.Port}");
    }

    [Fact]
    public async Task A_script_cannot_pin_a_node_without_its_id()
    {
        await _zos.Ok("key", "new");
        Assert.Contains($"{_zos.Node.Id}@127.0.0.1", await _zos.Fails(1, "node", "add", "n1", $"127.0.0.1:{_zos.Port}"), StringComparison.Ordinal);
        Assert.DoesNotContain("n1", await _zos.Ok("node", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stranger_is_denied_and_told_what_to_do()
    {
        await _zos.Ok("key", "new");
        await _zos.Ok("node", "add", "n1", $"{_zos.Node.Id}@127.0.0.1:{_zos.Port}");
        string error = await _zos.Fails(1, "list");
        Assert.Contains("denied", error, StringComparison.Ordinal);
        Assert.Contains("zos grant put", error, StringComparison.Ordinal);
        Assert.Contains("denied", await _zos.Fails(1, "grant", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_node_says_cannot_move_the_cursor()
    {
        await _zos.SettleAsync();
        await _zos.Ok("deploy", Web);
        _zos.Message = "\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\r\n";
        (int code, string output, string error) = await _zos.Run("get", "web");
        Assert.Equal(0, code);
        Assert.DoesNotContain(output + error, c => c is '\u001b' or '\u0007' or '\u202e' or '\r');
    }

    [Theory]
    [InlineData("memory: 256MiB", "memroy: 256MiB", "web.yaml:14", "memroy")]
    [InlineData("guest: 80", "guest: eighty", "web.yaml:17", "workloads[2].data.publish[0].guest")]
    [InlineData("type: zmount", "type: zmout", "web.yaml:7", "type")]
    [InlineData("name: data", "name: net\n    name: data", "web.yaml", "twice")]
    [InlineData("name: web", "name: &a web", "web.yaml:2", "anchors")]
    [InlineData("name: web", "name: !!str web", "web.yaml:2", "tags")]
    [InlineData("name: web", "name:", "web.yaml:2", "nothing")]
    [InlineData("range: 10.77.1.0/24", "range: [", "web.yaml", "")]
    public async Task A_wrong_file_is_refused_with_line_and_field_before_anything_is_sent(string from, string to, string where, string what)
    {
        await _zos.SettleAsync();
        string file = _zos.Write("web.yaml", File.ReadAllText(Web).Replace(from, to, StringComparison.Ordinal));
        string error = await _zos.Fails(1, "deploy", file);
        Assert.Contains(where, error, StringComparison.Ordinal);
        Assert.Contains(what, error, StringComparison.Ordinal);
        await _zos.Fails(1, "get", "web");
    }

    [Fact]
    public async Task Run_refuses_what_a_node_cannot_run_and_says_what_to_do()
    {
        await _zos.SettleAsync();
        string reference = $"demo/nginx@{Digest}";
        string[] registry = ["--registry", "demo=http://127.0.0.1:1"];
        Assert.Contains("127.0.0.1:1", await _zos.Fails(125, ["run", "--name", "one", .. registry, reference]), StringComparison.Ordinal);
        Assert.Contains("another computer for the node", await _zos.Fails(125, "run", "localhost:5000/nginx"), StringComparison.Ordinal);
        foreach (string plain in new[] { "nginx", "nginx:1.27", "library/nginx", "docker.io/library/nginx" })
            Assert.Contains("zos flist build", await _zos.Fails(125, "run", plain), StringComparison.Ordinal);
        Assert.Contains("no folder of yours", await _zos.Fails(2, "run", "-v", "/srv:/data", reference), StringComparison.Ordinal);
        Assert.Contains("-p 8080:80", await _zos.Fails(2, "run", "-p", "80", reference), StringComparison.Ordinal);
        Assert.Contains("-it needs a terminal", await _zos.Fails(1, "run", "-it", reference, "sh"), StringComparison.Ordinal);
        Assert.Contains("is no key", await _zos.Fails(2, "run", "--detach-keys", "ctrl", reference), StringComparison.Ordinal);
        foreach (string built in new[] { "oci:/nowhere", "docker://nginx" })
            Assert.Contains("--registry", await _zos.Fails(2, "run", built), StringComparison.Ordinal);
        await _zos.Fails(1, "get", "one");
    }

    [Fact]
    public async Task Container_image_in_a_registry_becomes_a_flist_and_nothing_else_is_left()
    {
        using PlayedRegistry registry = new();
        using TemporaryDirectory work = new();
        registry.Serve(registry.Image.Manifest());
        Environment.SetEnvironmentVariable("DOCKER_CONFIG", work.Path);
        await _zos.Ok("flist", "build", $"docker://{registry.Url.Authority}/team/app:1", "-o", work["out"]);
        Assert.Equal([work["out/blobs"], work["out/index.json"], work["out/oci-layout"]], Directory.EnumerateFileSystemEntries(work["out"]).Order());
        Assert.Equal("GET /v2/team/app/manifests/1", registry.Seen.First());
        Assert.Contains("not a repository name", await _zos.Fails(2, "flist", "build", "docker://Nginx", "-o", work["no"]), StringComparison.Ordinal);
        registry.Serve("{}"u8.ToArray(), "application/json");
        Assert.Contains("no container image", await _zos.Fails(1, "flist", "build", $"docker://{registry.Url.Authority}/a", "-o", work["no"]),
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(work["no"]));
    }

    [Fact]
    public async Task Wrong_usage_is_2_and_help_is_0()
    {
        await _zos.Fails(2, "frobnicate");
        await _zos.Fails(2, "deploy");
        await _zos.Fails(2, "grant", "put");
        Assert.Contains("--registry", await _zos.Ok("help", "deploy"), StringComparison.Ordinal);
        Assert.Contains("flist", await _zos.Ok("help"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_does_not_answer_is_a_sentence()
    {
        await _zos.SettleAsync();
        string error = await _zos.Fails(1, "list", "--node", $"{_zos.Node.Id}@127.0.0.1:1", "--timeout", "5");
        Assert.StartsWith("zos: 127.0.0.1:1 cannot be reached", error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }
}
