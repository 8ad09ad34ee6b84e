using System.Text.Json.Nodes;

using ZeroOS.Bus.Json;
using ZeroOS.Client.Config;
using ZeroOS.Client.Yaml;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Client.Deploying;

/// <summary>
/// A deployment as people write it: the contract of the bus, but version and digests may be left out. It is checked as a whole, with file and line of what
/// is wrong, before anything is asked of a node or a registry.
/// </summary>
public sealed class DeploymentFile
{
    private const string AnyDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    private readonly YamlReader _yaml;

    private DeploymentFile(YamlReader yaml, Deployment draft) => (_yaml, Draft) = (yaml, draft);

    /// <summary>What is in the file, with 1 and zeros where it says nothing.</summary>
    public Deployment Draft { get; }

    /// <summary>The file names its version.</summary>
    public bool HasVersion => _yaml.Root.ContainsKey("version");

    /// <summary>Reads YAML (JSON is YAML too).</summary>
    /// <exception cref="ClientException">What is wrong, with file and line.</exception>
    public static DeploymentFile Read(string name, string text)
    {
        YamlReader yaml = YamlReader.Read(name, text);
        JsonObject draft = (JsonObject)yaml.Root.DeepClone();
        SetIfAbsent(draft, "version", 1);
        foreach (JsonObject flist in Flists(draft))
            SetIfAbsent(flist, "digest", AnyDigest);
        return new DeploymentFile(yaml, Check(yaml, draft));
    }

    /// <summary>The deployment to send: digests asked of the registries where absent, the version given if the file has none.</summary>
    public async Task<Deployment> ResolveAsync(Registries registries, int nextVersion, CancellationToken cancellation)
    {
        JsonObject whole = (JsonObject)_yaml.Root.DeepClone();
        SetIfAbsent(whole, "version", nextVersion);
        foreach (JsonObject flist in Flists(whole))
        {
            if (flist.ContainsKey("digest"))
                continue;
            string reference = flist["reference"]!.GetValue<string>();
            flist["digest"] = await FlistResolver.DigestAsync(registries, reference, Credentials(flist), cancellation);
        }
        return Check(_yaml, whole);
    }

    private static void SetIfAbsent(JsonObject json, string member, JsonNode value)
    {
        if (!json.ContainsKey(member))
            json[member] = value;
    }

    private static RegistryCredentials? Credentials(JsonObject flist) => flist["auth"] is JsonObject auth
        ? new RegistryCredentials { Username = auth["username"]!.GetValue<string>(), Password = auth["password"]!.GetValue<string>() }
        : null;

    private static IEnumerable<JsonObject> Flists(JsonObject deployment) =>
        (deployment["workloads"] as JsonArray ?? []).Select(w => (w as JsonObject)?["data"] as JsonObject).Select(d => d?["flist"] as JsonObject)
            .OfType<JsonObject>();

    private static Deployment Check(YamlReader yaml, JsonObject json)
    {
        if (StrictJson.TryRead(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), BusJson.Default.Deployment, out Deployment? deployment,
            out JsonFault? fault))
            return deployment;
        string field = fault.Path is null ? "" : $"{fault.Path}: ";
        throw new ClientException($"{yaml.Where(fault.Path)}: {field}{fault.Message}");
    }
}
