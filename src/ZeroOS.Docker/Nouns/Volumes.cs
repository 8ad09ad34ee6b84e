using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Named volumes, each a deployment with one zmount. One running container has a volume at a time.</summary>
internal sealed class Volumes(DockerApi api)
{
    private const long UsualBytes = 1L << 30;

    // A name is looked for and then taken: two requests of this program do not take the same.
    private readonly SemaphoreSlim _naming = new(1);

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
        await call.AnswerAsync(View(await EnsureAsync(body.Text("Name"), body, call.Cancellation)), 201);
    }

    /// <summary>The volume of that name, made as <paramref name="body"/> says where it is not there.</summary>
    /// <exception cref="DockerFault">400: it cannot be made so.</exception>
    public async Task<Notes> EnsureAsync(string? wanted, JsonObject body, CancellationToken cancellation)
    {
        if (body.Text("Driver") is not (null or "local"))
            throw DockerFault.Bad($"Driver {body.Text("Driver")} cannot be honoured: there is local");
        IReadOnlyDictionary<string, string> options = body.Map("DriverOpts");
        if (options.Keys.FirstOrDefault(k => k != "size") is { } other)
            throw DockerFault.Bad($"DriverOpts.{other} cannot be honoured: a volume is a disk of the node; there is size");
        string id = Containers.NewId(), name = wanted ?? id;
        if (!MountParts.IsName(name))
            throw DockerFault.Bad($"\"{name}\" is no name of a volume: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, and at most 255 characters");
        if (!ByteSize.TryParse(options.GetValueOrDefault("size", $"{UsualBytes}"), out ByteSize size))
            throw DockerFault.Bad("DriverOpts.size is a size such as 10GiB");
        Notes notes = new() { Kind = Notes.Volume, Id = id, Name = name, Created = DateTimeOffset.UtcNow, Body = body };
        await _naming.WaitAsync(cancellation);
        try
        {
            if ((await AllAsync()).FirstOrDefault(v => v.Notes.Name == name) is { Notes: { } there })
                return there;
            await api.Node.AskAsync(n => n.ApplyAsync(new Deployment
            {
                Name = $"docker-{id[..12]}",
                Version = 1,
                Workloads = [new ZmountWorkload { Name = MountParts.Own, Data = new ZmountData { Size = size } }],
                Annotations = notes.Write(),
            }, cancellation));
            api.Mirror.Touch();
        }
        finally
        {
            _naming.Release();
        }
        return notes;
    }

    /// <summary>DELETE /volumes/{name}</summary>
    public async Task RemoveAsync(DockerCall call)
    {
        try
        {
            (Notes volume, DeploymentStatus status) = await RequireAsync(call.Name);
            if (await UsersAsync(volume.Name) is { Count: > 0 } users)
                throw DockerFault.Conflict($"remove {volume.Name}: volume is in use - [{string.Join(", ", users)}]");
            await DestroyAsync(status, call.Cancellation);
        }
        catch (DockerFault e) when (e.Status == 404 && call.Query.Flag("force"))
        {
            // as Docker has it
        }
        await call.AnswerAsync(204);
    }

    /// <summary>POST /volumes/prune: there are no anonymous ones; named ones go only where that is asked for.</summary>
    public async Task PruneAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "all", "label");
        JsonArray deleted = [];
        if (filters.Has("all") && filters.Any("all", a => a is "1" or "true"))
        {
            foreach ((Notes volume, DeploymentStatus status) in (await AllAsync()).Where(v => filters.Labels(v.Notes.Body.Map("Labels"))))
            {
                if ((await UsersAsync(volume.Name)).Count > 0)
                    continue;
                await DestroyAsync(status, call.Cancellation);
                deleted.Add((JsonNode)volume.Name);
            }
        }
        await call.AnswerAsync(new JsonObject { ["VolumesDeleted"] = deleted, ["SpaceReclaimed"] = 0 });
    }

    private async Task DestroyAsync(DeploymentStatus status, CancellationToken cancellation)
    {
        await api.Node.AskAsync(n => n.DeleteAsync(status.Deployment.Name, [MountParts.Own], cancellation));
        api.Mirror.Touch();
    }

    // Containers that name it, running or not.
    private async Task<IReadOnlyList<string>> UsersAsync(string name) =>
        [.. (await api.Mirror.ContainersAsync()).Where(c => MountParts.Volumes(c.Config).Any(v => v.Source == name)).Select(c => c.Id)];

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
