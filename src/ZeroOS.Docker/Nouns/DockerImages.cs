using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Images;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Nouns;

/// <summary>Images: those that containers use, and those of the registry.</summary>
internal sealed class DockerImages(DockerApi api)
{
    /// <summary>GET /images/json</summary>
    public async Task ListAsync(DockerCall call)
    {
        Filters filters = new(call.Query, "reference", "label", "dangling", "before", "since", "until");
        bool dangling = filters.Has("dangling") && filters.Any("dangling", d => d is "true" or "1");
        JsonArray images = [];
        foreach (IGrouping<string, Container> image in (await api.Mirror.ContainersAsync()).GroupBy(c => c.Notes.ImageId))
        {
            string[] tags = [.. image.Select(c => Tagged(c.Notes.Image)).Distinct()];
            if (dangling || !filters.Any("reference", r => tags.Any(t => t == Tagged(r) || t.StartsWith(r + ":", StringComparison.Ordinal))))
                continue;
            images.Add((JsonNode)new JsonObject
            {
                ["Id"] = image.Key,
                ["ParentId"] = "",
                ["RepoTags"] = Words.List(tags),
                ["RepoDigests"] = new JsonArray(),
                ["Created"] = image.Min(c => c.Notes.Created).ToUnixTimeSeconds(),
                ["Size"] = 0,
                ["SharedSize"] = -1,
                ["Containers"] = image.Count(),
                ["Labels"] = new JsonObject(),
            });
        }
        await call.AnswerAsync(images);
    }

    /// <summary>GET /images/{name*}/json</summary>
    public async Task InspectAsync(DockerCall call)
    {
        ResolvedImage image = await FindAsync(call.Name, call.Cancellation);
        JsonObject config = image.Image.Object("config");
        await call.AnswerAsync(new JsonObject
        {
            ["Id"] = image.Id,
            ["RepoTags"] = Words.List([Tagged(call.Name.StartsWith("sha256:", StringComparison.Ordinal) ? image.Flist.Reference : call.Name)]),
            ["RepoDigests"] = Words.List([$"{image.Flist.Reference.Split(':')[0]}@{image.Id}"]),
            ["Parent"] = "",
            ["Comment"] = "",
            ["Created"] = image.Image.Text("created") ?? Words.Time(null),
            ["DockerVersion"] = "",
            ["Author"] = image.Image.Text("author") ?? "",
            ["Config"] = config.DeepClone(),
            ["ContainerConfig"] = config.DeepClone(),
            ["Architecture"] = image.Image.Text("architecture") ?? "amd64",
            ["Os"] = image.Image.Text("os") ?? "linux",
            ["Size"] = image.StoredBytes,
            ["VirtualSize"] = image.StoredBytes,
            ["GraphDriver"] = new JsonObject { ["Name"] = "flist", ["Data"] = null },
            ["RootFS"] = new JsonObject { ["Type"] = "layers", ["Layers"] = Words.List([image.Id]) },
            ["Metadata"] = new JsonObject { ["LastTagTime"] = Words.Time(null) },
        });
    }

    /// <summary>POST /images/create</summary>
    public async Task PullAsync(DockerCall call)
    {
        if (call.Query.Text("fromSrc") is not null)
            throw DockerFault.NotBuilt("an archive cannot become an image here; push it to a registry, and pull it");
        string name = call.Query.Text("fromImage") ?? throw DockerFault.Bad("no image is named");
        if (call.Query.Text("tag") is { } tag)
            name += tag.StartsWith("sha256:", StringComparison.Ordinal) ? $"@{tag}" : $":{tag}";
        if (call.Query.Text("platform") is { } platform && platform is not ("linux/amd64" or "linux/x86_64" or "linux"))
            throw DockerFault.Missing($"image with reference {name} was found but does not provide the specified platform ({platform}): nodes are linux/amd64");
        PullProgress? lines = null;
        try
        {
            string digest = await api.Store.PullAsync(name, Login(call.Header("X-Registry-Auth")), repository =>
            {
                lines = new PullProgress(call, name, repository);
                return lines;
            }, call.Cancellation);
            lines ??= new PullProgress(call, name, name);
            await lines.EndAsync(digest);
        }
        catch (Exception e) when (lines is not null && e is not OperationCanceledException)
        {
            // The head is out: what went wrong is the last line.
            await lines.EndAsync(Faults.Explain(e));
        }
    }

    /// <summary>The image of a name, or of the id of one that a container uses.</summary>
    public async Task<ResolvedImage> FindAsync(string name, CancellationToken cancellation)
    {
        string hex = name.Replace("sha256:", "", StringComparison.Ordinal);
        if (hex.Length >= 12 && hex.All(char.IsAsciiHexDigitLower)
            && (await api.Mirror.ContainersAsync()).FirstOrDefault(c => c.Notes.ImageId.StartsWith($"sha256:{hex}", StringComparison.Ordinal)) is { } user)
        {
            FlistReference flist = user.Machine.Data.Flist;
            ResolvedImage found = await api.Store.FindAsync($"{flist.Reference}@{flist.Digest}", cancellation);
            return found with { Flist = flist };
        }
        return await api.Store.FindAsync(name, cancellation);
    }

    private static string Tagged(string name) => name.LastIndexOf(':') > name.LastIndexOf('/') ? name : $"{name}:latest";

    // What does not decode counts as none, in either alphabet, with and without padding.
    private static RegistryCredentials? Login(string header)
    {
        try
        {
            string text = header.Trim().Replace('-', '+').Replace('_', '/').TrimEnd('=');
            JsonObject login = Words.Parse(Convert.FromBase64String(text + new string('=', (4 - (text.Length % 4)) % 4)));
            return login.Text("username") is { } user && login.Text("password") is { } password
                ? new RegistryCredentials { Username = user, Password = password } : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }
}
