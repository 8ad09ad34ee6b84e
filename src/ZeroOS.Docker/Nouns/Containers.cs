using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Creation;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Images;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Containers: created, listed, shown, renamed and removed.</summary>
internal sealed partial class Containers(DockerApi api)
{
    private static readonly string[] s_adjectives = ["brave", "calm", "eager", "keen", "kind", "quick", "quiet", "wise"];

    // A name is looked for and then taken: two requests of this program do not take the same.
    private readonly SemaphoreSlim _naming = new(1);

    /// <summary>POST /containers/create</summary>
    public async Task CreateAsync(DockerCall call)
    {
        JsonObject body = await call.ReadAsync();
        List<string> warnings = Fields.Check(body);
        string reference = body.Text("Image") ?? throw DockerFault.Bad("no image is named");
        string id = NewId();
        ResolvedImage image = await api.Images.FindAsync(reference, call.Cancellation);
        (IReadOnlyList<MachineFile> files, IReadOnlyList<string> folders) = BindParts.Of(body, warnings);
        Grant? grant = (await api.Node.AskAsync(n => n.StatusAsync(call.Cancellation))).Grant;
        await ResolveNetworksAsync(body);
        warnings.AddRange(MountParts.Anonymous(body.Object("HostConfig")).Select(p => $"{p}: {Fields.AnonymousVolume}"));
        await _naming.WaitAsync(call.Cancellation);
        try
        {
            string name = await NameAsync(call.Query.Text("name")?.TrimStart('/'), id);
            PortParts ports = PortParts.Of(body, image.Image, new FreePorts(grant, await api.Mirror.DeploymentsAsync()), warnings);
            MachineDisks disks = new(await MountsAsync(body, call.Cancellation), files, folders);
            Notes notes = new()
            {
                Kind = Notes.Container,
                Id = id,
                Name = name,
                Created = DateTimeOffset.UtcNow,
                Image = reference,
                ImageId = image.Id,
                Local = ports.Local,
                Body = MergedConfig.Of(body, image.Image),
            };
            Deployment deployment = new()
            {
                Name = $"docker-{id[..12]}",
                Version = 1,
                Workloads = new MachineParts(body, id, image, NetworkParts.Places(body, name), disks, ports.Published).Workloads(),
                Annotations = notes.Write(),
            };
            await api.Node.AskAsync(n => n.ApplyAsync(deployment, call.Cancellation));
            api.Mirror.Touch();
            api.Events.Tell(notes, "create");
        }
        finally
        {
            _naming.Release();
        }
        await call.AnswerAsync(new JsonObject { ["Id"] = id, ["Warnings"] = Words.List(warnings) }, 201);
    }

    /// <summary>GET /containers/json</summary>
    public async Task ListAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "ancestor", "exited", "id", "label", "name", "network", "status", "health", "is-task");
        bool all = call.Query.Flag("all") || filters.Has("status") || filters.Has("exited") || call.Query.Number("limit") > 0;
        IEnumerable<Container> found = (await api.Mirror.ContainersAsync()).Where(c => (all || c.State is "running" or "restarting" or "paused")
            && filters.Any("id", id => c.Id.StartsWith(id, StringComparison.Ordinal)) && filters.Name(c.Name) && filters.Labels(c.Labels)
            && filters.Any("status", s => s == c.State)
            && filters.Any("ancestor", a => a == c.Notes.Image || c.Notes.ImageId.Contains(a, StringComparison.Ordinal))
            && filters.Any("exited", code => c.State == "exited" && code == $"{c.ExitCode}")
            && filters.Any("network", n => ContainerViews.IsIn(c, n)) && filters.Any("health", h => h == ContainerViews.Health(c))
            && filters.Any("is-task", t => t == "false"));
        if (call.Query.Number("limit") is > 0 and int limit)
            found = found.Take(limit);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        await call.AnswerAsync(new JsonArray([.. found.Select(c => ContainerViews.Row(c, now))]));
    }

    /// <summary>GET /containers/{id}/json</summary>
    public async Task InspectAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        // A list has the state of a machine's health alone.
        if (container.Status.Health is not null)
        {
            DeploymentStatus whole = await api.Node.AskAsync(n => n.DeploymentAsync(container.Deployment.Name, call.Cancellation));
            container = container with { Status = whole.Workloads.Single(w => w.Name == container.Machine.Name) };
        }
        await call.AnswerAsync(ContainerViews.Inspect(container));
    }

    /// <summary>POST /containers/{id}/rename</summary>
    public async Task RenameAsync(DockerCall call)
    {
        string wanted = call.Query.Text("name")?.TrimStart('/') ?? throw DockerFault.Bad("no new name is given");
        await _naming.WaitAsync(call.Cancellation);
        try
        {
            Container container = await api.Mirror.FindAsync(call.Name);
            if (wanted != container.Name)
            {
                Notes notes = container.Notes with { Name = await NameAsync(wanted, container.Id) };
                await api.Changes.ApplyAsync(container.Id, now => now.Deployment with { Annotations = notes.Write() }, call.Cancellation);
                api.Events.Tell(notes, "rename", ("oldName", "/" + container.Name));
            }
        }
        finally
        {
            _naming.Release();
        }
        await call.AnswerAsync(204);
    }

    /// <summary>DELETE /containers/{id}</summary>
    public async Task RemoveAsync(DockerCall call)
    {
        Container container = await api.Mirror.FindAsync(call.Name);
        if (container.State is "running" or "restarting" && !call.Query.Flag("force"))
        {
            throw DockerFault.Conflict($"cannot remove container \"/{container.Name}\": container is running: stop the container before removing or "
                + "force remove");
        }
        await RemoveAsync(container, call.Cancellation);
        await call.AnswerAsync(204);
    }

    /// <summary>POST /containers/prune</summary>
    public async Task PruneAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "label");
        JsonArray deleted = [];
        foreach (Container container in (await api.Mirror.ContainersAsync()).Where(c => c.State is "created" or "exited" && filters.Labels(c.Labels)))
        {
            await RemoveAsync(container, call.Cancellation);
            deleted.Add((JsonNode)container.Id);
        }
        await call.AnswerAsync(new JsonObject { ["ContainersDeleted"] = deleted, ["SpaceReclaimed"] = 0 });
    }

    /// <summary>Removes a container, running or not; returns when it is gone.</summary>
    private async Task RemoveAsync(Container container, CancellationToken cancellation)
    {
        if (!container.IsAtRest)
        {
            MachineStop stop = new() { Deployment = container.Deployment.Name, Machine = container.Machine.Name, GraceSeconds = 0 };
            await api.Node.AskAsync(n => n.StopAsync(stop, cancellation));
            api.Mirror.Touch();
            container = await api.Mirror.UntilAsync(container.Id, c => c is null ? container : c.IsAtRest ? c : null, cancellation);
        }
        await api.Removal.RemoveAsync(container);
        await api.Mirror.UntilAsync(container.Id, c => c is null ? container : null, cancellation);
        await api.Ports.LookAsync();
        api.Attachments.LetGo(container.Id);
    }

    private async Task ResolveNetworksAsync(JsonObject body)
    {
        List<(string, Notes)> networks = [];
        foreach (string name in NetworkParts.Names(body))
            networks.Add((name, (await api.Networks.RequireAsync(name)).Notes));
        NetworkParts.Resolve(body, networks);
    }

    // Volumes that are not there are made, as Docker does.
    private async Task<IReadOnlyList<MachineMount>> MountsAsync(JsonObject body, CancellationToken cancellation)
    {
        List<MachineMount> mounts = [];
        foreach (MountPlace place in MountParts.Volumes(body))
        {
            Notes volume = await api.Volumes.EnsureAsync(place.Source, place.Volume!, cancellation);
            mounts.Add(new MachineMount { Volume = MountParts.PartOf(volume.Id), Path = place.Path, ReadOnly = place.IsReadOnly });
        }
        return mounts;
    }

    private async Task<string> NameAsync(string? wanted, string id)
    {
        if (wanted is null)
            return $"{s_adjectives[Convert.ToInt32(id[..1], 16) % s_adjectives.Length]}_{id[..8]}";
        if (!NamePattern().IsMatch(wanted))
            throw DockerFault.Bad($"Invalid container name ({wanted}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, and at most 255 characters");
        return (await api.Mirror.ContainersAsync()).FirstOrDefault(c => c.Name == wanted) is not { } holder ? wanted : throw DockerFault.Conflict(
            $"Conflict. The container name \"/{wanted}\" is already in use by container \"{holder.Id}\". You have to remove (or rename) that container to be "
                + "able to reuse that name.");
    }

    /// <summary>64 hexadecimal digits by chance.</summary>
    internal static string NewId() => RandomNumberGenerator.GetHexString(64, lowercase: true);

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
