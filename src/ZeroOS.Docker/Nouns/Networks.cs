using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Networks, each a deployment with one network; bridge, host and none are always there.</summary>
internal sealed class Networks(DockerApi api)
{
    private const string Kind = Notes.Network;

    private static readonly string[] s_own = ["bridge", "host", "none"];

    /// <summary>The id of a network that is always there, or of one that is known by its name alone.</summary>
    public static string IdOf(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"network {name}")));

    /// <summary>A network by its name or its id.</summary>
    /// <exception cref="DockerFault">404: there is none.</exception>
    public async Task<(Notes Notes, DeploymentStatus? Status)> RequireAsync(string name) =>
        (await AllAsync()).FirstOrDefault(n => n.Notes.Name == name || (name.Length >= 12 && n.Notes.Id.StartsWith(name, StringComparison.Ordinal)))
            is { Notes: not null } found ? found : throw DockerFault.Missing($"network {name} not found");

    /// <summary>GET /networks</summary>
    public async Task ListAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "id", "label", "name", "driver", "scope", "type", "dangling");
        IReadOnlyList<Container> containers = await api.Mirror.ContainersAsync();
        IEnumerable<(Notes Notes, DeploymentStatus? Status)> found = (await AllAsync()).Where(n =>
            filters.Any("id", id => n.Notes.Id.StartsWith(id, StringComparison.Ordinal))
            && filters.Any("name", w => n.Notes.Name.Contains(w.Trim('^', '$'), StringComparison.Ordinal)) && filters.Labels(n.Notes.Body.Map("Labels"))
            && filters.Any("driver", d => d == DriverOf(n.Notes.Name)) && filters.Any("scope", s => s == "local")
            && filters.Any("type", t => t == (n.Status is null ? "builtin" : "custom")));
        await call.AnswerAsync(new JsonArray([.. found.Select(n => View(n.Notes, n.Status, containers))]));
    }

    /// <summary>GET /networks/{name}</summary>
    public async Task InspectAsync(DockerCall call)
    {
        (Notes notes, DeploymentStatus? status) = await RequireAsync(call.Name);
        await call.AnswerAsync(View(notes, status, await api.Mirror.ContainersAsync()));
    }

    /// <summary>POST /networks/create</summary>
    public async Task CreateAsync(DockerCall call)
    {
        JsonObject body = await call.ReadAsync();
        string name = body.Text("Name") ?? throw DockerFault.Bad("a network has a name");
        if (body.Text("Driver") is not (null or "bridge" or "default"))
            throw DockerFault.Bad($"Driver {body.Text("Driver")} cannot be honoured: there is bridge");
        if (body.Flag("EnableIPv6"))
            throw DockerFault.Bad("EnableIPv6 cannot be honoured: networks of machines have IPv4");
        if ((await AllAsync()).Any(n => n.Notes.Name == name))
            throw DockerFault.Conflict($"network with name {name} already exists");
        Notes notes = new() { Kind = Kind, Id = Containers.NewId(), Name = name, Created = DateTimeOffset.UtcNow, Body = body };
        string range = (body.Object("IPAM")["Config"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault()?.Text("Subnet") ?? await FreeRangeAsync();
        await api.Node.AskAsync(n => n.ApplyAsync(new Deployment
        {
            Name = $"docker-{notes.Id[..12]}",
            Version = 1,
            Workloads = [new NetworkWorkload { Name = NetworkParts.Own, Data = new NetworkData { Range = range, Internal = body.Flag("Internal") } }],
            Annotations = notes.Write(),
        }, call.Cancellation));
        api.Mirror.Touch();
        await call.AnswerAsync(new JsonObject { ["Id"] = notes.Id, ["Warning"] = "" }, 201);
    }

    /// <summary>DELETE /networks/{name}</summary>
    public async Task RemoveAsync(DockerCall call)
    {
        (Notes notes, DeploymentStatus? status) = await RequireAsync(call.Name);
        if (status is null)
            throw new DockerFault(403, $"{notes.Name} is a pre-defined network and cannot be removed");
        if ((await api.Mirror.ContainersAsync()).FirstOrDefault(c => c.IsRunning && ContainerViews.IsIn(c, notes.Name)) is { } user)
            throw new DockerFault(403, $"error while removing network: network {notes.Name} has active endpoints (name:\"{user.Name}\")");
        await DeleteAsync(status, call.Cancellation);
        await call.AnswerAsync(204);
    }

    /// <summary>POST /networks/prune</summary>
    public async Task PruneAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "label");
        IReadOnlyList<Container> containers = await api.Mirror.ContainersAsync();
        JsonArray deleted = [];
        foreach ((Notes notes, DeploymentStatus? status) in await AllAsync())
        {
            if (status is null || !filters.Labels(notes.Body.Map("Labels")) || containers.Any(c => ContainerViews.IsIn(c, notes.Name)))
                continue;
            await DeleteAsync(status, call.Cancellation);
            deleted.Add((JsonNode)notes.Name);
        }
        await call.AnswerAsync(new JsonObject { ["NetworksDeleted"] = deleted });
    }

    private async Task DeleteAsync(DeploymentStatus status, CancellationToken cancellation)
    {
        await api.Node.AskAsync(n => n.DeleteAsync(status.Deployment.Name, [], cancellation));
        api.Mirror.Touch();
    }

    private async Task<IReadOnlyList<(Notes Notes, DeploymentStatus? Status)>> AllAsync()
    {
        List<(Notes, DeploymentStatus?)> all = [.. s_own.Select(n =>
            (new Notes { Kind = Kind, Id = IdOf(n), Name = n, Created = DateTimeOffset.UnixEpoch, Body = [] }, (DeploymentStatus?)null))];
        foreach (DeploymentStatus status in await api.Mirror.DeploymentsAsync())
        {
            if (!status.Deleting && Notes.TryRead(status.Deployment.Annotations, out Notes? notes) && notes.Kind == Kind)
                all.Add((notes, status));
        }
        return all;
    }

    private async Task<string> FreeRangeAsync()
    {
        HashSet<string> taken = [.. (await AllAsync()).Select(n => RangeOf(n.Status))];
        return Enumerable.Range(0, 256).Select(i => $"172.18.{i}.0/24").First(r => !taken.Contains(r));
    }

    private static JsonObject Endpoint(Container container, Notes network, string range) => new()
    {
        ["Name"] = container.Name,
        ["EndpointID"] = "",
        ["MacAddress"] = "",
        ["IPv4Address"] = container.Status.Addresses?.GetValueOrDefault(NetworkParts.PartOf(network.Name, network.Id)) is { } address
            ? address + range[range.IndexOf('/', StringComparison.Ordinal)..] : "",
        ["IPv6Address"] = "",
    };

    private static string RangeOf(DeploymentStatus? status) =>
        status?.Deployment.Workloads.OfType<NetworkWorkload>().FirstOrDefault()?.Data.Range ?? "10.77.0.0/24";

    private static string DriverOf(string name) => name switch { "host" => "host", "none" => "null", _ => "bridge" };

    private static JsonNode View(Notes notes, DeploymentStatus? status, IReadOnlyList<Container> containers)
    {
        JsonArray ranges = status is null && notes.Name != "bridge" ? [] : new JsonArray(new JsonObject { ["Subnet"] = RangeOf(status) });
        return new JsonObject
        {
            ["Name"] = notes.Name,
            ["Id"] = notes.Id,
            ["Created"] = Words.Time(notes.Created),
            ["Scope"] = "local",
            ["Driver"] = DriverOf(notes.Name),
            ["EnableIPv4"] = true,
            ["EnableIPv6"] = false,
            ["IPAM"] = new JsonObject { ["Driver"] = "default", ["Options"] = new JsonObject(), ["Config"] = ranges },
            ["Internal"] = notes.Body.Flag("Internal"),
            ["Attachable"] = notes.Body.Flag("Attachable"),
            ["Ingress"] = false,
            ["ConfigFrom"] = new JsonObject { ["Network"] = "" },
            ["ConfigOnly"] = false,
            ["Containers"] = new JsonObject(containers.Where(c => c.IsRunning && ContainerViews.IsIn(c, notes.Name)).Select(c =>
                KeyValuePair.Create(c.Id, (JsonNode?)Endpoint(c, notes, RangeOf(status))))),
            ["Options"] = notes.Body.Object("Options").DeepClone(),
            ["Labels"] = Words.Map(notes.Body.Map("Labels")),
        };
    }
}
