using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Bus.Client;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.BadInput;

/// <summary>
/// Deployments that must not be: each is refused with its code and place, and nothing of it is kept. Tenants do not come into each other's way.
/// </summary>
public sealed class DeploymentTests
{
    private const string NoSuchDigest = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    [Fact]
    public async Task A_bad_deployment_is_refused_with_code_and_place_and_nothing_of_it_is_kept()
    {
        await using World world = await World.Make("bad-deploy", 8080, 8081);
        await world.Publish("nginx");
        await world.Boot();
        await world.Pin(world.Owner);
        Zos tenant = new(Path.Combine(world.Folder, "tenant")), stranger = new(Path.Combine(world.Folder, "stranger"));
        string tenantKey = await tenant.NewKey();
        await stranger.NewKey();
        await world.Pin(tenant);
        await world.Pin(stranger);
        await world.Grant(world.OwnerKey, "8051,8080,8082");
        await world.Grant(tenantKey, "8080-8081");

        await Refused(world, world.Owner, Machine(publish: 8051), "invalid", "workloads[1].data.publish[0].host", "belongs to the node itself");
        await Refused(world, world.Owner, Machine(publish: 8090), "invalid", "workloads[1].data.publish[0].host", "outside your grant");
        await Refused(world, world.Owner, Machine(publish: 8080).Replace("cpu: 1", "cpu: 40", StringComparison.Ordinal), "invalid", "workloads[1].data.cpu");
        await Refused(world, world.Owner, Machine(publish: 8080).Replace("memory: 128MiB", "memory: 2GiB", StringComparison.Ordinal),
            "over-capacity", "your grant");
        await Refused(world, world.Owner, Machine(publish: 8080) + "  - name: data\n    type: zmount\n    data: { size: 100GiB }\n",
            "over-capacity", "your grant");
        await Refused(world, world.Owner, "name: web\nversion: 3\n" + Workloads(publish: 8080), "conflict", "version");
        await Refused(world, world.Owner, Machine(publish: 8080).Replace("network: net,", "network: other,", StringComparison.Ordinal), "invalid",
            "workloads[1].data.networks[0].network");
        // What is misspelt zos itself finds, before anything is sent; a node that is sent it all the same finds it too.
        await Refused(world, world.Owner, Machine(publish: 8080).Replace("memory:", "memroy:", StringComparison.Ordinal), "web.yaml:", "memroy");
        await RefusedByTheNode(world);
        await Refused(world, stranger, Machine(publish: 8080), "denied", "only a tenant with a grant");
        CommandResult list = await stranger.Run(TimeSpan.FromSeconds(60), "list");
        Assert.True(list.ExitCode == 1 && list.Error.Contains("(denied)", StringComparison.Ordinal), $"a stranger lists: {list}");

        await TenantsLiveSideBySide(world, tenant);
    }

    /// <summary>The same range of addresses twice, the same port asked for twice, and an image that is not there.</summary>
    private static async Task TenantsLiveSideBySide(World world, Zos tenant)
    {
        string ghost = "  - name: ghost\n    type: zmachine\n    data: { flist: { reference: demo/nginx:1, digest: \"" + NoSuchDigest
            + "\" }, cpu: 1, memory: 128MiB }\n";
        await Deploy(world, world.Owner, Machine(publish: 8080) + ghost);
        await Refused(world, tenant, Machine(publish: 8080), "conflict", "workloads[1].data.publish[0].host", "port 8080 is taken (");
        await Deploy(world, tenant, Machine(publish: 8081));

        WorkloadStatus missing = await Status.Reason(world.Owner, "web", "ghost", "image-not-found", TimeSpan.FromSeconds(60), WorkloadState.Failed);
        Assert.Null(missing.NextRetry);
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(120));
        await Status.Page(world.Ports[8081], TimeSpan.FromSeconds(120));
        Assert.Equal((await Status.Of(world.Owner, "web", "nginx")).Addresses!["net"], (await Status.Of(tenant, "web", "nginx")).Addresses!["net"]);

        // Each sees and ends only what is theirs.
        await tenant.Ok("delete", "web");
        await Eventually.Get("the end of the tenant's machine", TimeSpan.FromSeconds(60), async () => (await Status.Names(tenant)).Length == 0 ? "gone" : null);
        await Status.NoPage(world.Ports[8081]);
        await Status.Page(world.Ports[8080], TimeSpan.FromSeconds(10));
        Assert.Equal(["web 1"], await Status.Names(world.Owner));
    }

    /// <summary>The misspelt field again, sent by a program of somebody's own.</summary>
    private static async Task RefusedByTheNode(World world)
    {
        using IdentityKey owner = KeyFile.Open(Path.Combine(world.Folder, "owner", "key"), () => "");
        Assert.True(KeyId.TryParse(world.NodeKey, out KeyId? node));
        using HttpTransport wire = new("127.0.0.1", world.Ports[8051], TimeSpan.FromSeconds(10));
        JsonNode body = JsonNode.Parse(
            """{"deployment":{"name":"web","version":1,"workloads":[{"name":"net","type":"network","data":{"range":"10.9.0.0/24","rnage":"x"}}]}}""")!;
        Command<JsonNode, DeploymentStatus> apply = new(Commands.DeploymentApply.Name,
            (JsonTypeInfo<JsonNode>)JsonSerializerOptions.Default.GetTypeInfo(typeof(JsonNode)), Commands.DeploymentApply.Reply);
        BusErrorException refusal = await Assert.ThrowsAsync<BusErrorException>(() =>
            new BusClient(owner, node, wire, TimeProvider.System).CallAsync(apply, body, default));
        Assert.Equal(ErrorCodes.Invalid, refusal.Error.Code);
        Assert.Equal("workloads[0].data.rnage", refusal.Error.Path);
        Assert.Empty(await Status.Names(world.Owner));
    }

    private static async Task Refused(World world, Zos person, string yaml, params string[] words)
    {
        string[] before = words[0] == "denied" ? [] : await Status.Names(person);
        CommandResult result = await Run(world, person, yaml);
        Assert.True(result.ExitCode == 1, $"{words[0]} {words[1]}: exit code {result.ExitCode} {result.Error}");
        foreach (string word in words)
            Assert.Contains(word, result.Error, StringComparison.Ordinal);
        if (words[0] != "denied")
            Assert.Equal(before, await Status.Names(person));
    }

    private static async Task Deploy(World world, Zos person, string yaml) => (await Run(world, person, yaml)).Ok();

    private static async Task<CommandResult> Run(World world, Zos person, string yaml)
    {
        string file = Path.Combine(world.Folder, "web.yaml");
        await File.WriteAllTextAsync(file, yaml);
        return await person.Run(TimeSpan.FromSeconds(60), "deploy", file, "--registry", $"demo={world.Registry.Here}", "--detach");
    }

    private static string Machine(int publish) => "name: web\n" + Workloads(publish);

    private static string Workloads(int publish) => $$"""
        workloads:
          - name: net
            type: network
            data: { range: 10.77.1.0/24 }
          - name: nginx
            type: zmachine
            data: { flist: { reference: demo/nginx:1 }, cpu: 1, memory: 128MiB, networks: [ { network: net, ip: 10.77.1.10 } ],
              publish: [ { host: {{publish}}, guest: 80 } ] }

        """;
}
