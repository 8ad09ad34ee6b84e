using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Named volumes, each a deployment with one zmount. Machines cannot mount those of other deployments yet.</summary>
internal sealed class Volumes(DockerApi api)
{
    private const string WorkloadName = "data";
    private const long UsualBytes = 1L << 30;

    /// <summary>GET /volumes</summary>
    public async Task ListAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "label", "name", "driver", "dangling");
        IEnumerable<JsonNode> found = (await AllAsync()).Where(v => filters.Labels(v.Notes.Body.Map("Labels"))
            && filters.Any("name", w => v.Notes.Name.Contains(w.Trim('^', '$'), StringComparison.Ordinal)) && filters.Any("driver", d => d == "local"))
            .Select(v => View(v.Notes));
        await call.AnswerAsync(new JsonObject { ["Volumes"] = new JsonArray([.. found]), ["Warnings"] = null });
    }

    /// <summary>GET /volumes/{name}</summary>
    public async Task InspectAsync(DockerCall call) => await call.AnswerAsync(View((await RequireAsync(call.Name)).Notes));

    /// <summary>POST /volumes/create; one that is there is the answer.</summary>
    public async Task CreateAsync(DockerCall call)
    {
        JsonObject body = await call.ReadAsync();
        if (body.Text("Driver") is not (null or "local"))
            throw DockerFault.Bad($"Driver {body.Text("Driver")} cannot be honoured: there is local");
        IReadOnlyDictionary<string, string> options = body.Map("DriverOpts");
        if (options.Keys.FirstOrDefault(k => k != "size") is { } other)
            throw DockerFault.Bad($"DriverOpts.{other} cannot be honoured: a volume is a disk of the node; there is size");
        string id = Containers.NewId(), name = body.Text("Name") ?? id;
        if ((await AllAsync()).FirstOrDefault(v => v.Notes.Name == name) is { Notes: { } there })
        {
            await call.AnswerAsync(View(there), 201);
            return;
        }
        if (!ByteSize.TryParse(options.GetValueOrDefault("size", $"{UsualBytes}"), out ByteSize size))
            throw DockerFault.Bad("DriverOpts.size is a size such as 10GiB");
        Notes notes = new() { Kind = Notes.Volume, Id = id, Name = name, Created = DateTimeOffset.UtcNow, Body = body };
        await api.Node.AskAsync(n => n.ApplyAsync(new Deployment
        {
            Name = $"docker-{id[..12]}",
            Version = 1,
            Workloads = [new ZmountWorkload { Name = WorkloadName, Data = new ZmountData { Size = size } }],
            Annotations = notes.Write(),
        }, call.Cancellation));
        api.Mirror.Touch();
        await call.AnswerAsync(View(notes), 201);
    }

    /// <summary>DELETE /volumes/{name}</summary>
    public async Task RemoveAsync(DockerCall call)
    {
        try
        {
            string deployment = (await RequireAsync(call.Name)).Status.Deployment.Name;
            await api.Node.AskAsync(n => n.DeleteAsync(deployment, [WorkloadName], call.Cancellation));
            api.Mirror.Touch();
        }
        catch (DockerFault e) when (e.Status == 404 && call.Query.Flag("force"))
        {
            // as Docker has it
        }
        await call.AnswerAsync(204);
    }

    /// <summary>POST /volumes/prune: anonymous ones there are none, and named ones are kept.</summary>
    public Task PruneAsync(DockerCall call) => call.AnswerAsync(new JsonObject { ["VolumesDeleted"] = new JsonArray(), ["SpaceReclaimed"] = 0 });

    private async Task<(Notes Notes, DeploymentStatus Status)> RequireAsync(string name) =>
        (await AllAsync()).FirstOrDefault(v => v.Notes.Name == name) is { Notes: not null } found ? found
            : throw DockerFault.Missing($"get {name}: no such volume");

    private async Task<IReadOnlyList<(Notes Notes, DeploymentStatus Status)>> AllAsync()
    {
        List<(Notes, DeploymentStatus)> all = [];
        foreach (DeploymentStatus status in await api.Mirror.DeploymentsAsync())
        {
            if (!status.Deleting && Notes.TryRead(status.Deployment.Annotations, out Notes? notes) && notes.Kind == Notes.Volume)
                all.Add((notes, status));
        }
        return all;
    }

    private static JsonNode View(Notes notes) => new JsonObject
    {
        ["Name"] = notes.Name,
        ["Driver"] = "local",
        ["Mountpoint"] = "",
        ["CreatedAt"] = Words.Time(notes.Created),
        ["Status"] = new JsonObject(),
        ["Labels"] = Words.Map(notes.Body.Map("Labels")),
        ["Scope"] = "local",
        ["Options"] = Words.Map(notes.Body.Map("DriverOpts")),
    };
}
