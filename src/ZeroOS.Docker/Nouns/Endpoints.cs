using ZeroOS.Docker.Http;

namespace ZeroOS.Docker.Nouns;

/// <summary>All of Docker's endpoints that are known here, those that are refused too. The table of docs/docker.md is this one.</summary>
internal static class Endpoints
{
    private const string NoBuild = "zos docker does not build images; build elsewhere, push, and pull the result";
    private const string NoSwarm = "This node is not a swarm manager. Nodes of a farm are independent";

    /// <summary>The table.</summary>
    public static readonly IReadOnlyList<Endpoint> All =
    [
        new("HEAD", "/_ping", "as Docker") { Serve = (api, call) => api.System.PingAsync(call) },
        new("GET", "/_ping", "as Docker") { Serve = (api, call) => api.System.PingAsync(call) },
        new("GET", "/version", "the node's version of ZeroOS") { Serve = (api, call) => api.System.VersionAsync(call) },
        new("GET", "/info", "processors and memory of the grant") { Serve = (api, call) => api.System.InfoAsync(call) },
        new("GET", "/events", "of containers; what happened before is not told again") { Serve = (api, call) => api.Events.WatchAsync(call) },
        new("GET", "/system/df", "empty") { Serve = (api, call) => api.System.DiskAsync(call) },

        new("GET", "/containers/json", "filters: ancestor, exited, health, id, label, name, network, status")
        {
            Serve = (api, call) => api.Containers.ListAsync(call),
        },
        new("POST", "/containers/create", "a deployment that is not started; fields as below") { Serve = (api, call) => api.Containers.CreateAsync(call) },
        new("GET", "/containers/{id}/json", "as Docker; pid is 0") { Serve = (api, call) => api.Containers.InspectAsync(call) },
        new("DELETE", "/containers/{id}", "the deployment; its volumes are kept") { Serve = (api, call) => api.Containers.RemoveAsync(call) },
        new("POST", "/containers/prune", "filter: label") { Serve = (api, call) => api.Containers.PruneAsync(call) },
        new("POST", "/containers/{id}/rename", "another annotation; the machine is not touched") { Serve = (api, call) => api.Containers.RenameAsync(call) },
        new("POST", "/containers/{id}/start", "answers when the program runs, or why it does not") { Serve = (api, call) => api.Lives.StartAsync(call) },
        new("POST", "/containers/{id}/stop", "grace of 600 s at most; -1 is that") { Serve = (api, call) => api.Lives.StopAsync(call) },
        new("POST", "/containers/{id}/restart", "as above") { Serve = (api, call) => api.Lives.RestartAsync(call) },
        new("POST", "/containers/{id}/kill", "SIGWINCH is taken and dropped") { Serve = (api, call) => api.Lives.KillAsync(call) },
        new("POST", "/containers/{id}/wait", "not-running, next-exit, removed") { Serve = (api, call) => api.Lives.WaitAsync(call) },
        new("POST", "/containers/{id}/attach", "as Docker") { Hijack = (api, call) => api.Output.AttachAsync(call) },
        new("POST", "/containers/{id}/resize", "as Docker; without a terminal nothing") { Serve = (api, call) => api.Lives.ResizeAsync(call) },
        new("GET", "/containers/{id}/logs", "follow, tail, since, until, timestamps") { Serve = (api, call) => api.Output.LogsAsync(call) },
        new("GET", "/containers/{id}/stats", "one card for all networks") { Serve = (api, call) => api.Stats.WatchAsync(call) },
        new("GET", "/containers/{id}/top", "as `ps -ef` and `ps aux` list them; users are numbers") { Serve = (api, call) => api.Processes.ListAsync(call) },
        new("HEAD", "/containers/{id}/archive", "as below") { Serve = (api, call) => api.Archives.StatAsync(call) },
        new("GET", "/containers/{id}/archive", "while the container runs, no devices and sockets; before its first start files that were put into it")
        {
            Serve = (api, call) => api.Archives.ReadAsync(call),
        },
        new("PUT", "/containers/{id}/archive",
            "while the container runs, no devices, no set-id bits, no absolute names; before its first start 64 files, 256 KiB together")
        {
            Serve = (api, call) => api.Archives.WriteAsync(call),
        },
        new("POST", "/containers/{id}/update", "a deployment is changed by making the container anew"),
        new("POST", "/containers/{id}/pause", "a machine cannot be paused yet"),
        new("POST", "/containers/{id}/unpause", "a machine cannot be paused yet"),
        new("GET", "/containers/{id}/changes", "a machine's writable layer cannot be compared yet"),
        new("GET", "/containers/{id}/export", "use zos cp"),
        new("GET", "/containers/{id}/attach/ws", "attach over a web socket is not served"),
        new("POST", "/commit", "a machine cannot become an image yet"),

        new("POST", "/containers/{id}/exec", "as Docker") { Serve = (api, call) => api.Exec.CreateAsync(call) },
        new("POST", "/exec/{id}/start", "as Docker; -d lasts as long as zos docker") { Hijack = (api, call) => api.Exec.StartAsync(call) },
        new("POST", "/exec/{id}/resize", "as Docker") { Serve = (api, call) => api.Exec.ResizeAsync(call) },
        new("GET", "/exec/{id}/json", "as Docker; pid is 0") { Serve = (api, call) => api.Exec.InspectAsync(call) },

        new("GET", "/images/json", "the images that containers use") { Serve = (api, call) => api.Images.ListAsync(call) },
        new("POST", "/images/create", "makes a flist in the first registry of --registry") { Serve = (api, call) => api.Images.PullAsync(call) },
        new("GET", "/images/{name*}/json", "the id is the flist's digest") { Serve = (api, call) => api.Images.InspectAsync(call) },
        new("GET", "/images/{name*}/history", "a flist has no layers"),
        new("GET", "/images/{name*}/get", "push the image to a registry instead"),
        new("GET", "/images/get", "push the image to a registry instead"),
        new("POST", "/images/load", "push the image to a registry, and pull it"),
        new("POST", "/images/{name*}/tag", "tags are the registry's"),
        new("POST", "/images/{name*}/push", "zos flist push does"),
        new("POST", "/images/prune", "images are the registry's"),
        new("GET", "/images/search", "search at the registry"),
        new("DELETE", "/images/{name*}", "images are the registry's"),
        new("GET", "/distribution/{name*}/json", "ask the registry"),
        new("POST", "/auth", "passwords go to registries only: docker login writes to a file, which zos docker reads when it pulls"),
        new("POST", "/build", NoBuild),
        new("POST", "/build/prune", "nothing to do") { Serve = (api, call) => api.System.PruneBuildsAsync(call) },
        new("POST", "/session", NoBuild) { Refusal = 404 },
        new("POST", "/grpc", NoBuild) { Refusal = 404 },

        new("GET", "/networks", "filters: id, label, name") { Serve = (api, call) => api.Networks.ListAsync(call) },
        new("POST", "/networks/create", "a deployment of one network") { Serve = (api, call) => api.Networks.CreateAsync(call) },
        new("POST", "/networks/prune", "filter: label") { Serve = (api, call) => api.Networks.PruneAsync(call) },
        new("GET", "/networks/{name}", "as Docker") { Serve = (api, call) => api.Networks.InspectAsync(call) },
        new("DELETE", "/networks/{name}", "403 while a container in it runs, 409 while there is one") { Serve = (api, call) => api.Networks.RemoveAsync(call) },
        new("POST", "/networks/{name}/connect", "a machine is in the network that it was made with"),
        new("POST", "/networks/{name}/disconnect", "a machine is in the network that it was made with"),

        new("GET", "/volumes", "filters: label, name") { Serve = (api, call) => api.Volumes.ListAsync(call) },
        new("POST", "/volumes/create", "a deployment with one zmount; `size` of DriverOpts, 1 GiB if not given")
        {
            Serve = (api, call) => api.Volumes.CreateAsync(call),
        },
        new("POST", "/volumes/prune", "nothing, or all that no container names: filter `all`") { Serve = (api, call) => api.Volumes.PruneAsync(call) },
        new("GET", "/volumes/{name}", "as Docker") { Serve = (api, call) => api.Volumes.InspectAsync(call) },
        new("DELETE", "/volumes/{name}", "destroys it; 409 while there is a container that names it") { Serve = (api, call) => api.Volumes.RemoveAsync(call) },

        new("GET", "/plugins", "none") { Serve = (api, call) => call.AnswerAsync(new global::System.Text.Json.Nodes.JsonArray()) },
        new("GET", "/swarm", NoSwarm) { Refusal = 503 },
        new("POST", "/swarm/{what}", NoSwarm) { Refusal = 503 },
        new("GET", "/nodes", NoSwarm) { Refusal = 503 },
        new("GET", "/services", NoSwarm) { Refusal = 503 },
        new("GET", "/tasks", NoSwarm) { Refusal = 503 },
        new("GET", "/secrets", NoSwarm) { Refusal = 503 },
        new("GET", "/configs", NoSwarm) { Refusal = 503 },
    ];

    /// <summary>The endpoint of a request, and what its pattern left open; null: there is none.</summary>
    public static (Endpoint Endpoint, IReadOnlyList<string> Values)? Find(string method, DockerPath path)
    {
        foreach (Endpoint endpoint in All)
        {
            if (endpoint.Method == method && path.Matches(endpoint.Pattern, out IReadOnlyList<string> values))
                return (endpoint, values);
        }
        return null;
    }
}
