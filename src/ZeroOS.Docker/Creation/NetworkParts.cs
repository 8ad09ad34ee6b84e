using System.Text.Json.Nodes;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Creation;

/// <summary>The networks of a creation: the bridge is one of the machine's own, others are deployments of one network.</summary>
internal static class NetworkParts
{
    /// <summary>The network's name in its deployment.</summary>
    public const string Own = "net";

    private const string Bridge = "bridge";
    private const int MaxAlias = 63;

    /// <summary>The networks that a creation names, by name or id; the first leads out.</summary>
    /// <exception cref="DockerFault">400: it wants the network of something else.</exception>
    public static IReadOnlyList<string> Names(JsonObject body)
    {
        string mode = NameOf(body.Object("HostConfig").Text("NetworkMode") ?? Bridge);
        if (mode == "host")
            throw DockerFault.Bad("HostConfig.NetworkMode host cannot be honoured: a container is its own machine and has no host network; publish ports");
        if (mode.StartsWith("container:", StringComparison.Ordinal))
            throw DockerFault.Bad($"HostConfig.NetworkMode {mode} cannot be honoured: a container is its own machine, and shares no network card");
        return mode == "none" || body.Flag("NetworkDisabled") ? [] : [.. Endpoints(body).Select(e => NameOf(e.Key)).Prepend(mode).Distinct()];
    }

    /// <summary>What a creation says about its places in networks, by their names.</summary>
    public static JsonObject Endpoints(JsonObject body) => body.Object("NetworkingConfig").Object("EndpointsConfig");

    /// <summary>Has a creation name its networks by their names, and know their ids.</summary>
    /// <exception cref="DockerFault">400: a place that cannot be honoured.</exception>
    public static void Resolve(JsonObject body, IEnumerable<(string Word, Notes Network)> networks)
    {
        JsonObject given = Endpoints(body), endpoints = [];
        foreach ((string word, Notes network) in networks)
        {
            if (network.Name is "host" or "none")
                throw DockerFault.Bad($"NetworkingConfig: a container that is in networks cannot be in {network.Name}");
            JsonObject endpoint = (given[word] ?? (word == Bridge ? given["default"] : null)) as JsonObject ?? endpoints[network.Name] as JsonObject ?? [];
            if (endpoint.Text("MacAddress") is not null)
                throw DockerFault.Bad("MacAddress cannot be honoured: the node chooses the addresses of network cards");
            endpoint = (JsonObject)endpoint.DeepClone();
            endpoint["NetworkID"] = network.Id;
            endpoints[network.Name] = endpoint;
        }
        if (endpoints.Count == 0)
            return;
        if (body["HostConfig"] is not JsonObject)
            body["HostConfig"] = new JsonObject();
        body.Object("HostConfig")["NetworkMode"] = endpoints.First().Key;
        body["NetworkingConfig"] = new JsonObject { ["EndpointsConfig"] = endpoints };
    }

    /// <summary>The machine's places, once they are resolved: others find it by the container's name, and by its aliases.</summary>
    public static IReadOnlyList<MachineNetwork> Places(JsonObject body, string container) =>
        Names(body).Count == 0 ? [] : [.. Endpoints(body).Select(e => Place(e.Key, (JsonObject)e.Value!, container))];

    /// <summary>How a machine names a network.</summary>
    public static string PartOf(string name, string id) => name == Bridge ? Own : $"docker-{id[..12]}/{Own}";

    private static MachineNetwork Place(string network, JsonObject endpoint, string container)
    {
        MachineNetwork place = new() { Network = PartOf(network, endpoint.Text("NetworkID")!), Ip = endpoint.Object("IPAMConfig").Text("IPv4Address") };
        return network == Bridge ? place
            : place with { Aliases = [.. (endpoint.Strings("Aliases") ?? []).Prepend(container).Where(a => a.Length <= MaxAlias).Distinct()] };
    }

    private static string NameOf(string word) => word == "default" ? Bridge : word;
}
