using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

using ZeroOS.Client.Forwarding;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;
using ZeroOS.Docker.Node;

namespace ZeroOS.Docker.Creation;

/// <summary>The ports of a creation: those that the node publishes, and those to which a port of this computer alone leads.</summary>
/// <param name="free">Ports of the grant, of which one is taken where none is named.</param>
/// <param name="warnings">What the client is told.</param>
internal sealed class PortParts(FreePorts free, List<string> warnings)
{
    private readonly List<PublishedPort> _published = [];
    private readonly List<LocalPort> _local = [];

    /// <summary>Of the node.</summary>
    public IReadOnlyList<PublishedPort> Published => _published;

    /// <summary>Of this computer.</summary>
    public IReadOnlyList<LocalPort> Local => _local;

    /// <summary>Reads a creation.</summary>
    /// <exception cref="DockerFault">400: a port that cannot be honoured; 500: none is free.</exception>
    public static PortParts Of(JsonObject body, JsonObject image, FreePorts free, List<string> warnings)
    {
        PortParts parts = new(free, warnings);
        JsonObject host = body.Object("HostConfig"), bindings = host.Object("PortBindings");
        IEnumerable<string> known = body.Object("ExposedPorts").Concat(image.Object("config").Object("ExposedPorts")).Select(p => p.Key).Distinct();
        string[] exposed = host.Flag("PublishAllPorts") ? [.. known.Except(bindings.Select(b => b.Key))] : [];
        if (NetworkParts.Names(body).Count == 0)
        {
            if (bindings.Count + exposed.Length > 0)
                warnings.Add("published ports are discarded: the container has no network");
            return parts;
        }
        foreach ((string port, JsonNode? wanted) in bindings)
        {
            foreach (JsonObject place in ((wanted as JsonArray)?.OfType<JsonObject>() ?? []).DefaultIfEmpty([]))
                parts.Add(port, place.Text("HostIp"), place.Text("HostPort") is { } text and not "0" ? PortKey.Number(text) : null);
        }
        foreach (string port in exposed)
            parts.Add(port, null, null);
        return parts;
    }

    private void Add(string key, string? ip, int? wanted)
    {
        (int guest, PortProtocol protocol) = PortKey.Parse(key);
        IPAddress? address = null;
        if (ip is not null && !IPAddress.TryParse(ip, out address))
            throw DockerFault.Bad($"HostConfig.PortBindings: \"{ip}\" is no IP address");
        if (address is not null && IPAddress.IsLoopback(address))
        {
            if (protocol != PortProtocol.Tcp)
                throw DockerFault.Bad($"HostConfig.PortBindings {key} on {address} cannot be honoured: ports of this computer alone carry TCP");
            AddLocal(guest, address, wanted);
        }
        else if (wanted is null && !free.IsAny && protocol == PortProtocol.Tcp)
        {
            LocalPort local = AddLocal(guest, IPAddress.Loopback, null);
            warnings.Add($"the grant has no ports: port {key} is at {local.Local} of this computer alone, as long as zos docker runs");
        }
        else
        {
            int host = wanted ?? free.Take(protocol);
            if (address is not null && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
                warnings.Add($"port {host} is published on the node's own address, not on {address}");
            if (!_published.Any(p => p.Host == host && p.Protocol == protocol))
                _published.Add(new PublishedPort { Host = host, Guest = guest, Protocol = protocol });
        }
    }

    private LocalPort AddLocal(int guest, IPAddress address, int? wanted)
    {
        if (_local.Count == LocalPort.MostOfContainer)
            throw DockerFault.Bad($"HostConfig.PortBindings: a container has at most {LocalPort.MostOfContainer} ports of this computer alone");
        LocalPort port = new(guest, wanted is { } named ? new IPEndPoint(address, named) : Free(address, guest), wanted is null);
        _local.Add(port);
        return port;
    }

    // One that is free now; when the container starts, it is looked at again.
    private static IPEndPoint Free(IPAddress address, int guest)
    {
        try
        {
            using ForwardListener listener = ForwardListener.Open(new IPEndPoint(address, 0), guest);
            return listener.Local;
        }
        catch (SocketException e)
        {
            throw new DockerFault(500, $"driver failed programming external connectivity: no port of {address} of this computer can be had: {e.Message}");
        }
    }
}
